//! Notifications and the webhook.

use ::api::notification::{ListNotificationsRequest, PutWebhookRequest};
use axum::Json;
use axum::extract::State;

use crate::body::Body;
use crate::error_response::ErrorResponse;
use crate::extract::{IdempotencyHeader, Page, Params, Reader, Writer};
use crate::gateway::Gateway;
use crate::json::next_after;
use crate::json::notification::{Notification, Notifications, Webhook};

/// Your notifications
#[utoipa::path(
    get, path = "/v1/notifications", tag = "notifications", params(Page),
    responses((status = 200, description = "A page of notifications", body = Notifications)),
    security(("bearer" = [])),
)]
pub(crate) async fn list_notifications(
    State(mut gateway): State<Gateway>,
    Reader(caller): Reader,
    Params(page): Params<Page>,
) -> Result<Json<Notifications>, ErrorResponse> {
    let (limit, after) = page.bounds()?;
    let request = ListNotificationsRequest {
        caller: Some(caller),
        limit,
        after,
    };
    let answer = gateway
        .upstreams
        .notifications
        .list_notifications(request)
        .await?;
    let notifications: Vec<Notification> = answer
        .into_inner()
        .notifications
        .into_iter()
        .map(Notification::from)
        .collect();
    let next_after = next_after(&notifications, limit, |notification| &notification.id);
    Ok(Json(Notifications {
        notifications,
        next_after,
    }))
}

/// Set your webhook
///
/// Notifications are posted there too; an empty address ends it.
#[utoipa::path(
    put, path = "/v1/webhook", tag = "notifications", params(IdempotencyHeader), request_body = Webhook,
    responses((status = 200, description = "The webhook", body = Webhook)),
    security(("bearer" = [])),
)]
pub(crate) async fn put_webhook(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Body(body): Body<Webhook>,
) -> Result<Json<Webhook>, ErrorResponse> {
    let request = writer.request(PutWebhookRequest {
        caller: Some(writer.caller.clone()),
        url: body.url,
    });
    let webhook = gateway.upstreams.notifications.put_webhook(request).await?;
    Ok(Json(webhook.into_inner().into()))
}
