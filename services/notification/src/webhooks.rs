//! The delivery of notifications to webhooks. Each attempt continues the trace of the event.

use std::sync::Arc;
use std::time::Duration;

use chassis::Failure;
use chassis::failure::chain;
use chassis::headers::WEBHOOK_ID;
use chassis::http_client::HttpClient;
use http::{HeaderMap, HeaderValue, Method};
use registry::{
    NotificationChannel, NotificationDeliveries, NotificationDeliveriesOutcome as Outcome,
};
use serde::Serialize;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, field};

use crate::queue::{Attempt, Delivery, DeliveryState};
use crate::store::{Notification, Store};
use crate::webhook_url;

/// The time-out of a request to a receiver.
pub const TIME_OUT: Duration = Duration::from_secs(5);

/// How often the queue is polled when nothing wakes it.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The maximum number of concurrent requests.
const CONCURRENCY: usize = 16;

/// Delivers the notifications in the queue.
#[derive(Clone)]
pub struct Webhooks {
    store: Store,
    client: HttpClient,
    wake: Arc<Notify>,
    shutdown: CancellationToken,
}

/// The body of a request.
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
    /// Delivers the queue of `store` until `shutdown`.
    pub fn new(store: Store, time_out: Duration, shutdown: CancellationToken) -> Self {
        Self {
            store,
            client: HttpClient::new(time_out),
            wake: Arc::default(),
            shutdown,
        }
    }

    /// Wakes the delivery, since the queue may have something due.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Delivers what is due until shutdown, then waits for the requests in flight.
    pub async fn run(self) {
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
        let tasks = TaskTracker::new();
        while !self.shutdown.is_cancelled() {
            match self.store.lease_due(permits.available_permits()).await {
                Ok(deliveries) => {
                    for delivery in deliveries {
                        let Ok(permit) = permits.clone().acquire_owned().await else {
                            break;
                        };
                        let webhooks = self.clone();
                        tasks.spawn(async move {
                            webhooks.attempt(delivery).await;
                            drop(permit);
                            webhooks.wake();
                        });
                    }
                }
                Err(failure) => {
                    tracing::warn!(error = %chain(&failure), "reading the due webhook deliveries failed; retrying");
                }
            }
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    async fn attempt(&self, delivery: Delivery) {
        let span = tracing::info_span!(
            "notification.webhook",
            auction.id = %delivery.notification.auction_id,
            notification.kind = %delivery.notification.kind,
            webhook.attempt = delivery.attempt,
            otel.status_code = field::Empty,
        );
        telemetry::context::set_parent(&span, &delivery.context);
        let stored = async {
            let attempt = match self.post(&delivery).await {
                Ok(()) => Attempt::Succeeded,
                Err(reason) => {
                    tracing::warn!(
                        attempt = delivery.attempt, %reason,
                        "an attempt to deliver a notification to a webhook failed"
                    );
                    Attempt::Failed
                }
            };
            let state = self.store.record_attempt(&delivery, attempt).await?;
            count(state);
            Ok::<_, Failure>(state)
        }
        .instrument(span.clone())
        .await;
        match stored {
            Ok(DeliveryState::Delivered) => {}
            Ok(DeliveryState::Pending | DeliveryState::GivenUp) => {
                span.record("otel.status_code", "ERROR");
            }
            Err(failure) => {
                span.record("otel.status_code", "ERROR");
                tracing::warn!(
                    error = %chain(&failure),
                    "storing the result of a webhook delivery failed; the notification may be delivered again"
                );
            }
        }
    }

    async fn post(&self, delivery: &Delivery) -> Result<(), String> {
        let url = webhook_url::parse(&delivery.url).map_err(|failure| failure.to_string())?;
        let body = body(&delivery.notification).map_err(|failure| failure.to_string())?;
        let mut headers = HeaderMap::new();
        if let Ok(id) = HeaderValue::from_str(&delivery.notification.id) {
            headers.insert(WEBHOOK_ID, id);
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

/// Counts a delivery that has ended.
fn count(state: DeliveryState) {
    let outcome = match state {
        DeliveryState::Delivered => Outcome::Delivered,
        DeliveryState::GivenUp => Outcome::Failed,
        DeliveryState::Pending => return,
    };
    NotificationDeliveries {
        notification_channel: NotificationChannel::Webhook,
        outcome,
    }
    .add(1);
}
