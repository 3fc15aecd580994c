use std::collections::BTreeSet;
use std::sync::Arc;

use account::bootstrap;
use account::domain::{Email, Password};
use account::settings::ConfiguredAccount;
use api::account::accounts_server::Accounts as _;
use api::account::{
    AccountState, CloseAccountRequest, GetAccountRequest, ListAccountsRequest, SignUpRequest,
};
use api::common::Role;
use chassis::clock::Clock;
use chassis::testing::with_key;
use chassis::{Failure, Kind};
use tonic::{Request, Response};

use crate::support::{
    PASSWORD, caller, log_in, passwords, service, services, sign_up, sign_up_request,
};

#[tokio::test]
async fn an_e_mail_has_one_account_however_it_is_written() {
    for (service, _database) in services().await {
        let account = sign_up(&service, "Minji@Example.com", Role::Customer).await;
        assert_eq!(account.email, "minji@example.com");
        assert_eq!(account.state(), AccountState::Open);
        let again = sign_up_request(" MINJI@example.COM ", Role::Restaurant);
        let failure = Failure::from(
            service
                .sign_up(Request::new(again))
                .await
                .expect_err("taken"),
        );
        assert_eq!(failure.code, "account.email_taken");
        assert_eq!(failure.kind, Kind::Conflict);
        assert_eq!(failure.field.as_deref(), Some("email"));
    }
}

#[tokio::test]
async fn of_many_who_want_one_e_mail_at_once_one_gets_it() {
    for (service, _database) in services().await {
        let service = Arc::new(service);
        let attempts: Vec<_> = (0..20)
            .map(|_| {
                let service = service.clone();
                tokio::spawn(async move {
                    let request = sign_up_request("one@example.com", Role::Customer);
                    service.sign_up(Request::new(request)).await.is_ok()
                })
            })
            .collect();
        let mut made = 0;
        for attempt in attempts {
            made += usize::from(attempt.await.expect("ran"));
        }
        assert_eq!(made, 1);
    }
}

#[tokio::test]
async fn a_repeated_sign_up_gets_the_same_account() {
    for (service, _database) in services().await {
        let request = || {
            with_key(
                sign_up_request("minji@example.com", Role::Customer),
                "key-1",
            )
        };
        let first = service.sign_up(request()).await.expect("made");
        let second = service.sign_up(request()).await.expect("the same answer");
        assert_eq!(first.into_inner(), second.into_inner());
    }
}

#[tokio::test]
async fn a_key_that_comes_again_with_another_body_is_refused_also_if_only_the_password_differs() {
    for (service, _database) in services().await {
        let request = sign_up_request("minji@example.com", Role::Customer);
        service
            .sign_up(with_key(request.clone(), "key-1"))
            .await
            .expect("made");
        for other in [
            SignUpRequest {
                password: "another password".to_owned(),
                ..request.clone()
            },
            SignUpRequest {
                name: "이서연".to_owned(),
                ..request.clone()
            },
        ] {
            let failure = Failure::from(
                service
                    .sign_up(with_key(other, "key-1"))
                    .await
                    .expect_err("another body"),
            );
            assert_eq!(failure.code, "idempotency.key_reused");
        }
    }
}

#[tokio::test]
async fn nothing_in_the_database_lets_a_password_be_tried_quickly() {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};
    use sqlx::Row as _;
    let database = chassis::testing::sqlite("account", &account::MIGRATIONS).await;
    let service = service(&database).await;
    let request = sign_up_request("minji@example.com", Role::Customer);
    let mut fast = String::new();
    for byte in Sha256::digest(prost::Message::encode_to_vec(&request)) {
        let _ = write!(fast, "{byte:02x}");
    }
    service
        .sign_up(with_key(request, "key-1"))
        .await
        .expect("made");
    let kept: String = sqlx::query("SELECT request_hash FROM idempotency_keys")
        .fetch_one(database.reads())
        .await
        .expect("the key")
        .get(0);
    assert_ne!(kept, fast);
    let hash: String = sqlx::query("SELECT password_hash FROM accounts")
        .fetch_one(database.reads())
        .await
        .expect("the account")
        .get(0);
    assert!(hash.starts_with("$argon2id$"));
}

#[tokio::test]
async fn accounts_are_seen_by_their_owner_and_by_admins() {
    for (service, _database) in services().await {
        let minji = sign_up(&service, "minji@example.com", Role::Customer).await;
        let other = sign_up(&service, "other@example.com", Role::Customer).await;
        let get = async |who, id: &str| {
            service
                .get_account(Request::new(GetAccountRequest {
                    caller: who,
                    account_id: id.to_owned(),
                }))
                .await
                .map(Response::into_inner)
                .map_err(|status| Failure::from(status).code.into_owned())
        };
        let as_minji = || caller(&minji.id, Role::Customer);
        assert_eq!(get(as_minji(), "").await, Ok(minji.clone()));
        assert_eq!(get(as_minji(), &minji.id).await, Ok(minji.clone()));
        let unknown = Err("account.unknown_account".to_owned());
        assert_eq!(get(as_minji(), &other.id).await, unknown);
        let as_admin = || caller("the-admin", Role::Admin);
        assert_eq!(get(as_admin(), &other.id).await, Ok(other.clone()));
        assert_eq!(get(as_admin(), "nobody").await, unknown);
        assert_eq!(get(None, &minji.id).await, Err("caller.missing".to_owned()));
    }
}

#[tokio::test]
async fn an_admin_pages_through_every_account_once() {
    for (service, _database) in services().await {
        let mut made = BTreeSet::new();
        for n in 0..7 {
            let email = format!("c{n}@example.com");
            made.insert(sign_up(&service, &email, Role::Customer).await.id);
        }
        let page = async |role, limit, after: &str| {
            service
                .list_accounts(Request::new(ListAccountsRequest {
                    caller: caller("someone", role),
                    limit,
                    after: after.to_owned(),
                }))
                .await
                .map(|response| response.into_inner().accounts)
                .map_err(|status| Failure::from(status).code.into_owned())
        };
        let mut seen: Vec<String> = Vec::new();
        loop {
            let after = seen.last().cloned().unwrap_or_default();
            let accounts = page(Role::Admin, 3, &after).await.expect("a page");
            if accounts.is_empty() {
                break;
            }
            seen.extend(accounts.into_iter().map(|account| account.id));
        }
        assert_eq!(seen.len(), made.len());
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), made);
        assert_eq!(
            page(Role::Customer, 3, "").await,
            Err("caller.role".to_owned())
        );
        assert_eq!(
            page(Role::Admin, 201, "").await,
            Err("account.bad_limit".to_owned())
        );
    }
}

#[tokio::test]
async fn a_closed_account_cannot_log_in_and_says_so_only_to_its_owner() {
    for (service, _database) in services().await {
        let minji = sign_up(&service, "minji@example.com", Role::Customer).await;
        let close = async |who, id: &str| {
            service
                .close_account(Request::new(CloseAccountRequest {
                    caller: who,
                    account_id: id.to_owned(),
                }))
                .await
                .map(|response| response.into_inner().state())
                .map_err(|status| Failure::from(status).code.into_owned())
        };
        let refused = |code: &str| Err(code.to_owned());
        assert_eq!(
            close(caller(&minji.id, Role::Customer), &minji.id).await,
            refused("caller.role")
        );
        let admin = || caller("the-admin", Role::Admin);
        assert_eq!(
            close(admin(), "nobody").await,
            refused("account.unknown_account")
        );
        assert_eq!(
            close(admin(), "the-admin").await,
            refused("account.own_account")
        );
        assert_eq!(close(admin(), &minji.id).await, Ok(AccountState::Closed));
        assert_eq!(close(admin(), &minji.id).await, Ok(AccountState::Closed));

        let owner = log_in(&service, "minji@example.com", PASSWORD).await;
        assert_eq!(owner.expect_err("closed").code, "account.closed");
        let stranger = log_in(&service, "minji@example.com", "a wrong password").await;
        assert_eq!(stranger.expect_err("wrong").code, "account.bad_credentials");
    }
}

#[tokio::test]
async fn the_environments_accounts_follow_it() {
    for (service, database) in services().await {
        let ensure = async |password: &str, role| {
            let account = ConfiguredAccount {
                email: Email::parse("admin@bidtrace.example").expect("valid"),
                password: Password::parse(password).expect("valid"),
                name: "Admin",
                role,
                trace_trusted: false,
            };
            bootstrap::ensure(&database, &Clock::System, &passwords(), &account)
                .await
                .expect("ensured");
        };
        // Somebody has signed up with the e-mail before.
        let squatter = sign_up(&service, "admin@bidtrace.example", Role::Customer).await;
        ensure("the first password", Role::Admin).await;
        ensure("the first password", Role::Admin).await;
        let session = log_in(&service, "admin@bidtrace.example", "the first password")
            .await
            .expect("the environment's password");
        let account = session.account.expect("its account");
        assert_eq!(account.role(), Role::Admin);
        assert_eq!(account.id, squatter.id);
        assert!(
            log_in(&service, "admin@bidtrace.example", PASSWORD)
                .await
                .is_err(),
            "the squatter's password holds no more"
        );

        ensure("the second password", Role::Admin).await;
        let old = log_in(&service, "admin@bidtrace.example", "the first password").await;
        assert_eq!(old.expect_err("replaced").code, "account.bad_credentials");
        log_in(&service, "admin@bidtrace.example", "the second password")
            .await
            .expect("the new password");
    }
}
