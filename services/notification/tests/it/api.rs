use ::api::notification::notifications_server::Notifications as _;
use ::api::notification::{ListNotificationsRequest, PutWebhookRequest};
use chassis::Failure;
use chassis::testing::with_key;
use tonic::Request;

use crate::support::{awarded, caller, fixtures, received};

#[tokio::test]
async fn notifications_are_listed_newest_first_page_by_page() {
    for fixture in fixtures().await {
        for award in ["1", "2", "3", "4", "5"] {
            fixture.deliver(&received(&awarded(award))).await;
        }
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let request = ListNotificationsRequest {
                caller: Some(caller("customer")),
                limit: 2,
                after,
            };
            let page = fixture
                .api()
                .list_notifications(Request::new(request))
                .await;
            let page = page.expect("a page").into_inner().notifications;
            let Some(last) = page.last() else { break };
            after = last.id.clone();
            seen.extend(page.into_iter().map(|notification| notification.subject_id));
        }
        assert_eq!(seen, ["5", "4", "3", "2", "1"]);
    }
}

#[tokio::test]
async fn an_address_that_is_no_web_address_is_refused() {
    for fixture in fixtures().await {
        let request = PutWebhookRequest {
            caller: Some(caller("customer")),
            url: "ftp://example.com".to_owned(),
        };
        let status = fixture.api().put_webhook(Request::new(request)).await;
        let failure = Failure::from(status.expect_err("not http"));
        assert_eq!(failure.code, "notification.bad_webhook_url");
        assert_eq!(failure.field.as_deref(), Some("url"));
    }
}

#[tokio::test]
async fn a_key_with_another_address_is_refused() {
    for fixture in fixtures().await {
        let put = |url: &str| {
            let request = PutWebhookRequest {
                caller: Some(caller("customer")),
                url: url.to_owned(),
            };
            with_key(request, "key")
        };
        for _ in 0..2 {
            let answer = fixture
                .api()
                .put_webhook(put("https://example.com/a"))
                .await;
            assert_eq!(
                answer.expect("set").into_inner().url,
                "https://example.com/a"
            );
        }
        let status = fixture
            .api()
            .put_webhook(put("https://example.com/b"))
            .await;
        let failure = Failure::from(status.expect_err("reused"));
        assert_eq!(failure.code, "idempotency.key_reused");
    }
}

#[tokio::test]
async fn nobody_lists_or_sets_without_being_somebody() {
    for fixture in fixtures().await {
        let list = fixture
            .api()
            .list_notifications(Request::new(ListNotificationsRequest::default()))
            .await;
        assert_eq!(
            Failure::from(list.expect_err("nobody")).code,
            "caller.missing"
        );
        let put = fixture
            .api()
            .put_webhook(Request::new(PutWebhookRequest::default()))
            .await;
        assert_eq!(
            Failure::from(put.expect_err("nobody")).code,
            "caller.missing"
        );
    }
}
