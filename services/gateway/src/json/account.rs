//! Accounts and sessions.

use ::api::{account, common};
use chassis::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::required;

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "minji@example.com", "password": "correct horse battery staple", "name": "김민지", "role": "customer"
}))]
pub(crate) struct SignUp {
    /// Unique, whatever its case.
    email: String,
    /// 8 to 128 characters.
    #[schema(format = Password)]
    password: String,
    /// What people call you.
    name: String,
    /// What the account is for.
    role: SignUpRole,
}

/// What an account can be made for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignUpRole {
    /// Opens auctions.
    Customer,
    /// Bids in them.
    Restaurant,
}

/// Credentials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "minji@example.com", "password": "correct horse battery staple"}))]
pub(crate) struct LogIn {
    /// The account's.
    email: String,
    /// The account's.
    #[schema(format = Password)]
    password: String,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    /// Its id.
    pub(crate) id: String,
    /// Normalised.
    email: String,
    /// What people call its owner.
    name: String,
    /// What it may do.
    role: Role,
    /// Whether it is open.
    state: AccountState,
    /// Unix milliseconds.
    created_at_ms: i64,
}

/// What an account may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Opens auctions.
    Customer,
    /// Bids in them.
    Restaurant,
    /// Looks after the platform.
    Admin,
}

/// Whether an account is open.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountState {
    /// It can log in and write.
    Open,
    /// An admin closed it.
    Closed,
}

/// A login.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// To be sent as `Authorization: Bearer TOKEN`.
    token: String,
    /// Until when it holds, Unix milliseconds.
    expires_at_ms: i64,
    /// Whose it is.
    account: Account,
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accounts {
    /// The page.
    pub(crate) accounts: Vec<Account>,
    /// The `after` of the next page; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_after: Option<String>,
}

impl From<SignUp> for account::SignUpRequest {
    fn from(request: SignUp) -> Self {
        let role = match request.role {
            SignUpRole::Customer => common::Role::Customer,
            SignUpRole::Restaurant => common::Role::Restaurant,
        };
        Self {
            email: request.email,
            password: request.password,
            name: request.name,
            role: role.into(),
        }
    }
}

impl From<LogIn> for account::LogInRequest {
    fn from(request: LogIn) -> Self {
        Self {
            email: request.email,
            password: request.password,
        }
    }
}

impl TryFrom<account::Account> for Account {
    type Error = Failure;

    fn try_from(account: account::Account) -> Result<Self, Failure> {
        let role = match account.role() {
            common::Role::Customer => Some(Role::Customer),
            common::Role::Restaurant => Some(Role::Restaurant),
            common::Role::Admin => Some(Role::Admin),
            common::Role::Unspecified => None,
        };
        let state = match account.state() {
            account::AccountState::Open => Some(AccountState::Open),
            account::AccountState::Closed => Some(AccountState::Closed),
            account::AccountState::Unspecified => None,
        };
        Ok(Self {
            role: required(role, "account.role")?,
            state: required(state, "account.state")?,
            id: account.id,
            email: account.email,
            name: account.name,
            created_at_ms: account.created_at_ms,
        })
    }
}

impl TryFrom<account::Session> for Session {
    type Error = Failure;

    fn try_from(session: account::Session) -> Result<Self, Failure> {
        Ok(Self {
            token: session.token,
            expires_at_ms: session.expires_at_ms,
            account: required(session.account, "session.account")?.try_into()?,
        })
    }
}
