//! Notifications and the webhook.

use ::api::notification;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::present;

/// Something that an account was told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notification {
    /// Its id.
    pub(crate) id: String,
    /// Who was told.
    account_id: String,
    /// What kind of news it is, such as `order.confirmed`.
    kind: String,
    /// What it is about: an order, an award, an auction.
    subject_id: String,
    /// The auction from which it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    auction_id: Option<String>,
    /// For people.
    text: String,
    /// Unix milliseconds.
    at_ms: i64,
}

/// A page of notifications.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notifications {
    /// The page.
    pub(crate) notifications: Vec<Notification>,
    /// The `after` of the next page; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_after: Option<String>,
}

/// Where notifications are also posted to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://example.com/hooks/bidtrace"}))]
pub(crate) struct Webhook {
    /// An `http` or `https` URL; empty to end it.
    pub(crate) url: String,
}

impl From<notification::Notification> for Notification {
    fn from(notification: notification::Notification) -> Self {
        Self {
            id: notification.id,
            account_id: notification.account_id,
            kind: notification.kind,
            subject_id: notification.subject_id,
            auction_id: present(notification.auction_id),
            text: notification.text,
            at_ms: notification.at_ms,
        }
    }
}

impl From<notification::Webhook> for Webhook {
    fn from(webhook: notification::Webhook) -> Self {
        Self { url: webhook.url }
    }
}
