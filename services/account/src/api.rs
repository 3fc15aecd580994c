//! `bidtrace.account.v1.Accounts`.

use ::api::account as wire;
use ::api::account::accounts_server::Accounts;
use ::api::common::Role;
use chassis::clock::{Clock, Millis};
use chassis::database::Database;
use chassis::idempotency::{self, Claim, Execution};
use chassis::page::{self, PageSize};
use chassis::token::Signer;
use chassis::{Failure, caller, fault};
use registry::{AccountLogIns, AccountLogInsOutcome, AccountSignUps};
use tonic::{Extensions, Request, Response, Status};
use uuid::Uuid;

use crate::bootstrap;
use crate::domain::{self, Account, Email, Password, State, bad_credentials};
use crate::passwords::Passwords;
use crate::store::{self, Credentials};

pub(crate) const SIGN_UP_BEFORE_COMMIT: &str = "account.sign_up.before_commit";
pub(crate) const SIGN_UP_COMMITTED: &str = "account.sign_up.committed";

/// The account of the idempotency keys of sign-ups, which nobody is logged in for.
const ANONYMOUS: &str = "";

/// The service over gRPC.
pub struct AccountsApi {
    database: Database,
    clock: Clock,
    passwords: Passwords,
    signer: Signer,
    token_lifetime_ms: Millis,
}

/// Initialises every series of the service's metrics to zero.
pub(crate) fn declare_series() {
    AccountSignUps::zero();
    AccountLogIns::zero();
}

/// Counts a sign-up. Admins do not sign up; their accounts are created at start-up.
fn count_sign_up(role: Role) {
    let role = match role {
        Role::Customer => registry::AccountRole::Customer,
        Role::Restaurant => registry::AccountRole::Restaurant,
        Role::Admin | Role::Unspecified => return,
    };
    AccountSignUps { account_role: role }.add(1);
}

impl AccountsApi {
    /// A service whose tokens are valid for `token_lifetime_ms`.
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
        let claim = Claim::new(ANONYMOUS, "SignUp", &without_password(&request))?;
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
        let execution: Execution<wire::Account, ()> = claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    if !store::insert(write, &credentials).await? {
                        return Err(Failure::conflict(
                            "account.email_taken",
                            "this e-mail has an account already; log in instead",
                        )
                        .at("email"));
                    }
                    fault::point(SIGN_UP_BEFORE_COMMIT);
                    Ok((credentials.account.into(), ()))
                })
            })
            .await?;
        match execution {
            Execution::Ran { .. } => {
                fault::point(SIGN_UP_COMMITTED);
                count_sign_up(role);
            }
            Execution::Replayed { .. } => self.check_same_password(&email, password).await?,
        }
        Ok(execution.into_response())
    }

    /// Checks that a repeated sign-up has the password of the first one. The claim cannot check it: see
    /// [`without_password`].
    async fn check_same_password(&self, email: &Email, password: Password) -> Result<(), Failure> {
        let stored = store::credentials(&self.database, email).await?;
        let hash = stored.map(|credentials| credentials.password_hash);
        if self.passwords.verify(password, hash).await? {
            Ok(())
        } else {
            Err(idempotency::key_reused())
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
        // The expiry of a token is in whole seconds.
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
        let limit = PageSize::GRPC.checked("account.bad_limit", page::requested(body.limit))?;
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
        let execution = claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    let closed = store::close(write, &id).await?;
                    let account = closed.ok_or_else(unknown_account)?;
                    Ok((account.into(), ()))
                })
            })
            .await?;
        Ok(execution.into_response())
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

/// The request without its password, for its claim. A claim stores a SHA-256 hash of the body for a day, and a password
/// could be guessed from a hash that is so fast to compute. [`AccountsApi::check_same_password`] compares the password
/// instead.
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
