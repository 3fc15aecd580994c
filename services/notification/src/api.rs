//! `bidtrace.notification.v1.Notifications`.

use api::notification::notifications_server::Notifications;
use api::notification::{
    ListNotificationsRequest, ListNotificationsResponse, PutWebhookRequest, Webhook,
};
use chassis::idempotency::Claim;
use chassis::page::{self, PageSize};
use chassis::{Failure, caller};
use tonic::{Request, Response, Status};

use crate::store::{self, Notification, Store};
use crate::webhook_url;

/// The maximum length of an id.
const MAX_ID: usize = 64;

/// The service over gRPC.
pub struct NotificationsApi {
    /// The notifications.
    pub store: Store,
}

impl NotificationsApi {
    async fn list(
        &self,
        request: ListNotificationsRequest,
    ) -> Result<ListNotificationsResponse, Failure> {
        let caller = caller::require(request.caller)?;
        let limit =
            PageSize::GRPC.checked("notification.bad_limit", page::requested(request.limit))?;
        if request.after.len() > MAX_ID {
            return Err(Failure::invalid(
                "notification.bad_id",
                "after",
                format!("expected an id of at most {MAX_ID} characters"),
            ));
        }
        let after = Some(request.after.as_str()).filter(|after| !after.is_empty());
        let notifications = self.store.list(&caller.account_id, after, limit).await?;
        Ok(ListNotificationsResponse {
            notifications: notifications.into_iter().map(Into::into).collect(),
        })
    }

    async fn put(&self, request: Request<PutWebhookRequest>) -> Result<Webhook, Failure> {
        let caller = caller::require(request.get_ref().caller.clone())?;
        let claim = Claim::new(&caller.account_id, "PutWebhook", &request)?;
        let url = request.into_inner().url;
        if !url.is_empty() {
            webhook_url::parse(&url)?;
        }
        let clock = self.store.clock.clone();
        let execution = claim
            .execute(&self.store.database, &self.store.clock, move |write| {
                Box::pin(async move {
                    if url.is_empty() {
                        store::delete_webhook(write, &caller.account_id).await?;
                    } else {
                        store::put_webhook(write, &clock, &caller.account_id, &url).await?;
                    }
                    Ok((Webhook { url }, ()))
                })
            })
            .await?;
        Ok(execution.into_response())
    }
}

#[tonic::async_trait]
impl Notifications for NotificationsApi {
    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        let notifications = self.list(request.into_inner()).await;
        notifications.map(Response::new).map_err(Status::from)
    }

    async fn put_webhook(
        &self,
        request: Request<PutWebhookRequest>,
    ) -> Result<Response<Webhook>, Status> {
        let webhook = self.put(request).await;
        webhook.map(Response::new).map_err(Status::from)
    }
}

impl From<Notification> for api::notification::Notification {
    fn from(notification: Notification) -> Self {
        Self {
            id: notification.id,
            account_id: notification.account_id,
            kind: notification.kind,
            subject_id: notification.subject_id,
            text: notification.text,
            at_ms: notification.at_ms,
            auction_id: notification.auction_id,
        }
    }
}
