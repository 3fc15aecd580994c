use crate::fixtures::{awarded, caller, received, stages};
use ::api::notification::{
    ListNotificationsRequest, PutWebhookRequest, notifications_server::Notifications as _,
};
use chassis::{Failure, idempotency::METADATA_KEY};
use tonic::Request;

#[tokio::test]
async fn notifications_are_listed_newest_first_page_by_page() {
    for stage in stages().await {
        for award in ["1", "2", "3", "4", "5"] {
            stage.deliver(&received(&awarded(award))).await;
        }
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let request = ListNotificationsRequest {
                caller: Some(caller("customer")),
                limit: 2,
                after,
            };
            let page = stage.api().list_notifications(Request::new(request)).await;
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
    for stage in stages().await {
        let request = PutWebhookRequest {
            caller: Some(caller("customer")),
            url: "ftp://example.com".to_owned(),
        };
        let status = stage.api().put_webhook(Request::new(request)).await;
        let failure = Failure::from(status.expect_err("not http"));
        assert_eq!(failure.code, "notification.bad_webhook_url");
        assert_eq!(failure.field.as_deref(), Some("url"));
    }
}

#[tokio::test]
async fn a_key_with_another_address_is_refused() {
    for stage in stages().await {
        let put = |url: &str| {
            let mut request = Request::new(PutWebhookRequest {
                caller: Some(caller("customer")),
                url: url.to_owned(),
            });
            let key = "key".parse().expect("ASCII");
            request.metadata_mut().insert(METADATA_KEY, key);
            request
        };
        for _ in 0..2 {
            let answer = stage.api().put_webhook(put("https://example.com/a")).await;
            assert_eq!(
                answer.expect("set").into_inner().url,
                "https://example.com/a"
            );
        }
        let status = stage.api().put_webhook(put("https://example.com/b")).await;
        let failure = Failure::from(status.expect_err("reused"));
        assert_eq!(failure.code, "idempotency.key_reused");
    }
}

#[tokio::test]
async fn nobody_lists_or_sets_without_being_somebody() {
    for stage in stages().await {
        let list = stage
            .api()
            .list_notifications(Request::new(ListNotificationsRequest::default()))
            .await;
        assert_eq!(
            Failure::from(list.expect_err("nobody")).code,
            "caller.missing"
        );
        let put = stage
            .api()
            .put_webhook(Request::new(PutWebhookRequest::default()))
            .await;
        assert_eq!(
            Failure::from(put.expect_err("nobody")).code,
            "caller.missing"
        );
    }
}
