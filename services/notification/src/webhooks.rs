//! Posts notifications to webhooks, each attempt in the trace of what the notification is about.

use crate::{
    queue::{Became, Due},
    store::{Notification, Store},
    webhook_url,
};
use chassis::{Failure, failure::chain, http_client::HttpClient};
use http::{HeaderMap, HeaderValue, Method};
use registry::{
    NotificationChannel, NotificationDeliveries, NotificationDeliveriesOutcome as Outcome,
};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument as _, field};

/// How long a receiver may take to answer.
pub const TIME_OUT: Duration = Duration::from_secs(5);

/// How often the queue is looked at without being woken.
const POLL: Duration = Duration::from_millis(500);

/// How many posts are on their way at once.
const AT_ONCE: usize = 16;

/// The header with the notification's id: the same at every attempt, so that a receiver can tell a repetition.
pub const ID_HEADER: &str = "webhook-id";

/// Posts what the queue holds.
#[derive(Clone)]
pub struct Webhooks {
    store: Store,
    client: HttpClient,
    wake: Arc<Notify>,
    shutdown: CancellationToken,
}

/// What is posted.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    kind: &'a str,
    subject_id: &'a str,
    auction_id: &'a str,
    text: &'a str,
    at_ms: i64,
}

// === impl Webhooks ===

impl Webhooks {
    /// The posts of `store`'s queue, until `shutdown`.
    pub fn new(store: Store, time_out: Duration, shutdown: CancellationToken) -> Self {
        Self {
            store,
            client: HttpClient::new(time_out),
            wake: Arc::default(),
            shutdown,
        }
    }

    /// Says that there is something new in the queue.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Posts what is due until shutdown, then waits for the posts on their way.
    pub async fn run(self) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let tasks = TaskTracker::new();
        while !self.shutdown.is_cancelled() {
            match self.store.take_due(places.available_permits()).await {
                Ok(due) => {
                    for due in due {
                        let Ok(place) = places.clone().acquire_owned().await else {
                            break;
                        };
                        let webhooks = self.clone();
                        tasks.spawn(async move {
                            webhooks.attempt(due).await;
                            drop(place);
                            webhooks.wake();
                        });
                    }
                }
                Err(failure) => {
                    tracing::warn!(error = %chain(&failure), "cannot look for webhook posts; trying again");
                }
            }
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    async fn attempt(&self, due: Due) {
        let span = tracing::info_span!(
            "notification.webhook",
            auction.id = %due.notification.auction_id,
            notification.kind = %due.notification.kind,
            webhook.attempt = due.attempt,
            otel.status_code = field::Empty,
        );
        telemetry::context::set_parent(&span, &due.context);
        let outcome = async {
            let posted = self.post(&due).await;
            if let Err(reason) = &posted {
                tracing::warn!(attempt = due.attempt, %reason, "a webhook was not delivered");
            }
            let became = self.store.attempted(&due, posted.is_ok()).await;
            count(became.as_ref());
            became
        }
        .instrument(span.clone())
        .await;
        match outcome {
            Ok(Became::Delivered) => {}
            Ok(Became::Retried | Became::GivenUp) => {
                span.record("otel.status_code", "ERROR");
            }
            Err(failure) => {
                span.record("otel.status_code", "ERROR");
                tracing::warn!(error = %chain(&failure), "a webhook's outcome is not stored; it may be posted again");
            }
        }
    }

    async fn post(&self, due: &Due) -> Result<(), String> {
        let url = webhook_url::parse(&due.url).map_err(|failure| failure.to_string())?;
        let body = body(&due.notification).map_err(|failure| failure.to_string())?;
        let mut headers = HeaderMap::new();
        if let Ok(id) = HeaderValue::from_str(&due.notification.id) {
            headers.insert(ID_HEADER, id);
        }
        let answer = self.client.send(Method::POST, url, headers, body).await;
        match answer {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("the receiver answered {}", answer.status.as_u16())),
            Err(error) => Err(chain(&error)),
        }
    }
}

fn body(notification: &Notification) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(&Body {
        id: &notification.id,
        kind: &notification.kind,
        subject_id: &notification.subject_id,
        auction_id: &notification.auction_id,
        text: &notification.text,
        at_ms: notification.at_ms,
    })
    .map_err(Failure::internal)
}

/// Counts what became of a notification; a retry has become nothing yet.
fn count(became: Result<&Became, &Failure>) {
    let outcome = match became {
        Ok(Became::Delivered) => Outcome::Delivered,
        Ok(Became::GivenUp) => Outcome::Failed,
        Ok(Became::Retried) | Err(_) => return,
    };
    NotificationDeliveries {
        notification_channel: NotificationChannel::Webhook,
        outcome,
    }
    .add(1);
}
