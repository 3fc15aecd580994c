use std::time::{Duration, Instant};

use account::api::AccountsApi;
use account::bootstrap;
use account::domain::{Email, Password};
use account::settings::ConfiguredAccount;
use api::account::GetVerifyingKeysRequest;
use api::account::accounts_server::Accounts as _;
use api::common::Role;
use chassis::clock::Clock;
use chassis::token::Verifier;
use tonic::Request;

use crate::support::{PASSWORD, TOKEN_LIFETIME_MS, log_in, passwords, service, services, sign_up};

async fn verifier(service: &AccountsApi) -> Verifier {
    let keys = service
        .get_verifying_keys(Request::new(GetVerifyingKeysRequest {}))
        .await
        .expect("keys")
        .into_inner()
        .keys;
    Verifier::new(
        keys.iter()
            .map(|key| (key.key_id.as_str(), key.public_key.as_slice())),
    )
}

#[tokio::test]
async fn a_login_gives_a_token_that_says_who_it_is_and_expires() {
    for (service, _database) in services().await {
        let account = sign_up(&service, "cook@example.com", Role::Restaurant).await;
        let before = Clock::System.now();
        let session = log_in(&service, " COOK@example.com", PASSWORD)
            .await
            .expect("logged in");
        let claims = verifier(&service)
            .await
            .verify(&session.token)
            .expect("a valid token");
        assert_eq!(claims.caller().account_id, account.id);
        assert_eq!(claims.caller().role(), Role::Restaurant);
        assert!(!claims.trace);
        assert_eq!(claims.exp * 1000, session.expires_at_ms);
        let lifetime = session.expires_at_ms - before;
        assert!((TOKEN_LIFETIME_MS - 1_000..=TOKEN_LIFETIME_MS + 5_000).contains(&lifetime));
        assert_eq!(session.account, Some(account));
    }
}

#[tokio::test]
async fn the_load_generators_token_may_carry_a_trace_context() {
    for (service, database) in services().await {
        let account = ConfiguredAccount {
            email: Email::parse("load@bidtrace.example").expect("valid"),
            password: Password::parse(PASSWORD).expect("valid"),
            name: "Load generator",
            role: Role::Customer,
            trace_trusted: true,
        };
        bootstrap::ensure(&database, &Clock::System, &passwords(), &account)
            .await
            .expect("ensured");
        let session = log_in(&service, "load@bidtrace.example", PASSWORD)
            .await
            .expect("logged in");
        let claims = verifier(&service).await.verify(&session.token);
        assert!(claims.expect("valid").trace);
    }
}

#[tokio::test]
async fn an_unknown_e_mail_and_a_wrong_password_get_the_same_answer() {
    for (service, _database) in services().await {
        sign_up(&service, "minji@example.com", Role::Customer).await;
        let wrong = log_in(&service, "minji@example.com", "a wrong password")
            .await
            .expect_err("wrong");
        for (email, password) in [
            ("nobody@example.com", PASSWORD),
            ("no address", PASSWORD),
            ("minji@example.com", "short"),
        ] {
            let other = log_in(&service, email, password)
                .await
                .expect_err("refused");
            assert_eq!(other.kind, wrong.kind);
            assert_eq!(other.code, wrong.code);
            assert_eq!(other.message, wrong.message);
            assert_eq!(other.field, wrong.field);
        }
    }
}

#[tokio::test]
async fn an_unknown_e_mail_costs_a_login_as_much_as_a_wrong_password() {
    let database = chassis::testing::sqlite("account", &account::MIGRATIONS).await;
    let service = AccountsApi::new(
        (*database).clone(),
        Clock::System,
        // Expensive enough to dominate the time of a login.
        account::passwords::Passwords::new(16_384).expect("parameters"),
        bootstrap::signer(&database, &Clock::System)
            .await
            .expect("a signer"),
        TOKEN_LIFETIME_MS,
    );
    sign_up(&service, "minji@example.com", Role::Customer).await;
    // The shortest of several measurements: other load on the machine only makes them longer.
    let cost = async |email: &str| {
        let mut least = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            assert!(log_in(&service, email, "a wrong password").await.is_err());
            least = least.min(started.elapsed());
        }
        least
    };
    let (known, unknown) = (
        cost("minji@example.com").await,
        cost("nobody@example.com").await,
    );
    assert!(
        unknown * 2 > known && known * 2 > unknown,
        "known {known:?}, unknown {unknown:?}"
    );
}

#[tokio::test]
async fn tokens_hold_across_a_restart_and_in_a_second_instance() {
    for (first, database) in services().await {
        sign_up(&first, "minji@example.com", Role::Customer).await;
        let token = log_in(&first, "minji@example.com", PASSWORD)
            .await
            .expect("logged in")
            .token;
        let second = service(&database).await;
        assert!(verifier(&second).await.verify(&token).is_ok());
        let other = log_in(&second, "minji@example.com", PASSWORD)
            .await
            .expect("logged in")
            .token;
        assert!(verifier(&first).await.verify(&other).is_ok());
    }
}
