//! `bidtrace.account.v1.Accounts`.

use crate::{
    bootstrap,
    domain::{self, Account, Email, Password, State, bad_credentials},
    passwords::Passwords,
    store::{self, Credentials},
};
use ::api::{
    account::{self as wire, accounts_server::Accounts},
    common::Role,
};
use chassis::{
    Failure, Kind, caller,
    clock::{Clock, Millis},
    database::Database,
    fault,
    idempotency::Claim,
    token::Signer,
};
use registry::{AccountLogIns, AccountLogInsOutcome, AccountSignUps};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tonic::{Extensions, Request, Response, Status};
use uuid::Uuid;

pub(crate) const SIGN_UP_BEFORE_COMMIT: &str = "account.sign_up.before_commit";
pub(crate) const SIGN_UP_COMMITTED: &str = "account.sign_up.committed";

/// Accounts on a page when the caller does not say, and at most.
const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;

/// Nobody is logged in who signs up: such keys are told apart by nothing else.
const ANYONE: &str = "";

/// The accounts over gRPC.
pub struct AccountsApi {
    database: Database,
    clock: Clock,
    passwords: Passwords,
    signer: Signer,
    token_lifetime_ms: Millis,
}

/// Has every series of the service's metrics start at zero.
pub(crate) fn declare_series() {
    AccountSignUps::zero();
    AccountLogIns::zero();
}

/// An admin does not sign up: the first start makes one.
fn count_sign_up(role: Role) {
    let role = match role {
        Role::Customer => registry::AccountRole::Customer,
        Role::Restaurant => registry::AccountRole::Restaurant,
        Role::Admin | Role::Unspecified => return,
    };
    AccountSignUps { account_role: role }.add(1);
}

impl AccountsApi {
    /// The service over its parts. Tokens hold for `token_lifetime_ms`.
    pub fn new(
        database: Database,
        clock: Clock,
        passwords: Passwords,
        signer: Signer,
        token_lifetime_ms: Millis,
    ) -> Self {
        Self {
            database,
            clock,
            passwords,
            signer,
            token_lifetime_ms,
        }
    }

    async fn make(&self, request: Request<wire::SignUpRequest>) -> Result<wire::Account, Failure> {
        let body = request.get_ref();
        let email = Email::parse(&body.email)?;
        let password = Password::parse(&body.password)?;
        let name = domain::parse_name(&body.name)?;
        let role = domain::sign_up_role(body.role())?;
        let claim = Claim::new(ANYONE, "SignUp", &without_password(&request))?;
        let credentials = Credentials {
            account: Account {
                id: Uuid::now_v7().to_string(),
                email: email.as_str().to_owned(),
                name,
                role,
                state: State::Open,
                created_at_ms: self.clock.now(),
            },
            password_hash: self.passwords.hash(password.clone()).await?,
            trace_trusted: false,
        };
        let made_now = Arc::new(AtomicBool::new(false));
        let made = made_now.clone();
        let account: wire::Account = claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    if !store::insert(write, &credentials).await? {
                        return Err(Failure::conflict(
                            "account.email_taken",
                            "this e-mail has an account already; log in instead",
                        )
                        .at("email"));
                    }
                    made.store(true, Ordering::Relaxed);
                    fault::point(SIGN_UP_BEFORE_COMMIT);
                    Ok(credentials.account.into())
                })
            })
            .await?;
        if made_now.load(Ordering::Relaxed) {
            fault::point(SIGN_UP_COMMITTED);
            count_sign_up(role);
        } else {
            self.same_password(&email, password).await?;
        }
        Ok(account)
    }

    /// The part of "the same key, the same body" that the claim cannot see.
    async fn same_password(&self, email: &Email, password: Password) -> Result<(), Failure> {
        let stored = store::credentials(&self.database, email).await?;
        let hash = stored.map(|credentials| credentials.password_hash);
        if self.passwords.verify(password, hash).await? {
            Ok(())
        } else {
            Err(Failure::new(
                Kind::KeyReused,
                "idempotency.key_reused",
                "this key was used before with another body",
            )
            .at("Idempotency-Key"))
        }
    }

    async fn open_session(&self, body: wire::LogInRequest) -> Result<wire::Session, Failure> {
        let (Ok(email), Ok(password)) =
            (Email::parse(&body.email), Password::parse(&body.password))
        else {
            return Err(bad_credentials());
        };
        let stored = store::credentials(&self.database, &email).await?;
        let hash = stored
            .as_ref()
            .map(|credentials| credentials.password_hash.clone());
        let right = self.passwords.verify(password, hash).await?;
        let Some(Credentials {
            account,
            trace_trusted,
            ..
        }) = stored.filter(|_| right)
        else {
            return Err(bad_credentials());
        };
        if account.state == State::Closed {
            return Err(Failure::forbidden(
                "account.closed",
                "this account was closed",
            ));
        }
        // A token's time is in seconds.
        let expires_at_ms = (self.clock.now() + self.token_lifetime_ms) / 1000 * 1000;
        let token = self
            .signer
            .sign(&account.id, account.role, trace_trusted, expires_at_ms)?;
        Ok(wire::Session {
            token,
            expires_at_ms,
            account: Some(account.into()),
        })
    }

    async fn show(&self, body: wire::GetAccountRequest) -> Result<wire::Account, Failure> {
        let caller = caller::require(body.caller)?;
        let id = if body.account_id.is_empty() {
            &caller.account_id
        } else {
            &body.account_id
        };
        if *id != caller.account_id && caller.role() != Role::Admin {
            return Err(unknown_account());
        }
        let account = store::find(&self.database, id).await?;
        account.map(Into::into).ok_or_else(unknown_account)
    }

    async fn page(
        &self,
        body: wire::ListAccountsRequest,
    ) -> Result<wire::ListAccountsResponse, Failure> {
        caller::require_role(body.caller, &[Role::Admin])?;
        let limit = match body.limit {
            0 => DEFAULT_PAGE,
            limit @ 1..=MAX_PAGE => limit,
            _ => {
                return Err(Failure::invalid(
                    "account.bad_limit",
                    "limit",
                    format!("expected 1 to {MAX_PAGE}"),
                ));
            }
        };
        let accounts = store::list(&self.database, &body.after, limit).await?;
        Ok(wire::ListAccountsResponse {
            accounts: accounts.into_iter().map(Into::into).collect(),
        })
    }

    async fn close(
        &self,
        request: Request<wire::CloseAccountRequest>,
    ) -> Result<wire::Account, Failure> {
        let caller = caller::require_role(request.get_ref().caller.clone(), &[Role::Admin])?;
        let claim = Claim::new(&caller.account_id, "CloseAccount", &request)?;
        let id = request.into_inner().account_id;
        if id == caller.account_id {
            return Err(Failure::conflict(
                "account.own_account",
                "nobody can close the account that is used to do so",
            )
            .at("account_id"));
        }
        claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    let closed = store::close(write, &id).await?;
                    closed.map(Into::into).ok_or_else(unknown_account)
                })
            })
            .await
    }

    async fn verifying_keys(&self) -> Result<wire::VerifyingKeys, Failure> {
        let keys = store::signing_keys(&self.database)
            .await?
            .into_iter()
            .map(|key| {
                let signer = bootstrap::signer_of(key)?;
                let (id, public) = signer.verifying_key();
                Ok(wire::VerifyingKey {
                    key_id: id.to_owned(),
                    public_key: public.to_vec(),
                })
            })
            .collect::<Result<_, Failure>>()?;
        Ok(wire::VerifyingKeys { keys })
    }
}

/// The request as its claim may know it. A claim keeps a fast hash of the body for a day, and a fast hash of a password
/// is what Argon2 is there to avoid; [`AccountsApi::same_password`] makes up for it.
fn without_password(request: &Request<wire::SignUpRequest>) -> Request<wire::SignUpRequest> {
    Request::from_parts(
        request.metadata().clone(),
        Extensions::new(),
        wire::SignUpRequest {
            password: String::new(),
            ..request.get_ref().clone()
        },
    )
}

fn unknown_account() -> Failure {
    Failure::not_found(
        "account.unknown_account",
        "there is no such account, or it is not yours to see",
    )
    .at("account_id")
}

#[tonic::async_trait]
impl Accounts for AccountsApi {
    async fn sign_up(
        &self,
        request: Request<wire::SignUpRequest>,
    ) -> Result<Response<wire::Account>, Status> {
        Ok(Response::new(self.make(request).await?))
    }

    async fn log_in(
        &self,
        request: Request<wire::LogInRequest>,
    ) -> Result<Response<wire::Session>, Status> {
        let session = self.open_session(request.into_inner()).await;
        let outcome = if session.is_ok() {
            AccountLogInsOutcome::Ok
        } else {
            AccountLogInsOutcome::Refused
        };
        AccountLogIns { outcome }.add(1);
        Ok(Response::new(session?))
    }

    async fn get_account(
        &self,
        request: Request<wire::GetAccountRequest>,
    ) -> Result<Response<wire::Account>, Status> {
        Ok(Response::new(self.show(request.into_inner()).await?))
    }

    async fn list_accounts(
        &self,
        request: Request<wire::ListAccountsRequest>,
    ) -> Result<Response<wire::ListAccountsResponse>, Status> {
        Ok(Response::new(self.page(request.into_inner()).await?))
    }

    async fn close_account(
        &self,
        request: Request<wire::CloseAccountRequest>,
    ) -> Result<Response<wire::Account>, Status> {
        Ok(Response::new(self.close(request).await?))
    }

    async fn get_verifying_keys(
        &self,
        _request: Request<wire::GetVerifyingKeysRequest>,
    ) -> Result<Response<wire::VerifyingKeys>, Status> {
        Ok(Response::new(self.verifying_keys().await?))
    }
}
