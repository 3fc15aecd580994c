//! The states of accounts, cached. A token stays valid until it expires, also when its account has been closed, so each
//! write checks the account's state.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::api::account::accounts_client::AccountsClient;
use ::api::account::{AccountState, GetAccountRequest};
use ::api::common::Caller;
use chassis::Failure;
use chassis::clock::{Clock, Millis};
use chassis::failure::chain;
use chassis::grpc::Channel;

/// How long a state is cached.
const TTL_MS: Millis = 5_000;
/// The time-out of a request for a state. After it, the write is allowed.
const TIME_OUT: Duration = Duration::from_secs(1);
/// The maximum number of cached states.
const CAPACITY: usize = 100_000;

/// A cache of the states of the accounts that have made writes.
pub(crate) struct AccountStates {
    accounts: AccountsClient<Channel>,
    clock: Clock,
    cache: Mutex<HashMap<String, Cached>>,
}

#[derive(Clone, Copy)]
struct Cached {
    state: State,
    at: Millis,
}

/// Whether an account may make writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is open, or its state is not known.
    Open,
    /// It is closed, or does not exist.
    Closed,
}

impl AccountStates {
    pub(crate) fn new(accounts: AccountsClient<Channel>, clock: Clock) -> Self {
        Self {
            accounts,
            clock,
            cache: Mutex::default(),
        }
    }

    /// Checks that the caller's account is open. When the account service does not answer, it is assumed to be.
    ///
    /// # Errors
    /// `account.closed`.
    pub(crate) async fn check_open(&self, caller: &Caller) -> Result<(), Failure> {
        let state = if let Some(state) = self.cached(&caller.account_id) {
            state
        } else {
            let state = self.fetch(caller).await;
            self.insert(&caller.account_id, state);
            state
        };
        match state {
            State::Open => Ok(()),
            State::Closed => Err(Failure::forbidden(
                "account.closed",
                "this account is closed",
            )),
        }
    }

    /// Caches that an account was closed, when this gateway has closed it.
    pub(crate) fn set_closed(&self, account_id: &str) {
        self.insert(account_id, State::Closed);
    }

    async fn fetch(&self, caller: &Caller) -> State {
        let request = GetAccountRequest {
            caller: Some(caller.clone()),
            account_id: caller.account_id.clone(),
        };
        let mut accounts = self.accounts.clone();
        match tokio::time::timeout(TIME_OUT, accounts.get_account(request)).await {
            Ok(Ok(account)) if account.get_ref().state() == AccountState::Closed => State::Closed,
            Ok(Ok(_)) => State::Open,
            Ok(Err(status)) if status.code() == tonic::Code::NotFound => State::Closed,
            Ok(Err(status)) => {
                tracing::warn!(error = %chain(&status), "reading an account's state failed; assuming that it is open");
                State::Open
            }
            Err(_) => {
                tracing::warn!("reading an account's state timed out; assuming that it is open");
                State::Open
            }
        }
    }

    fn cached(&self, account_id: &str) -> Option<State> {
        let now = self.clock.now();
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache
            .get(account_id)
            .filter(|cached| now - cached.at < TTL_MS)
            .map(|cached| cached.state)
    }

    fn insert(&self, account_id: &str, state: State) {
        let now = self.clock.now();
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CAPACITY {
            cache.retain(|_, cached| now - cached.at < TTL_MS);
            if cache.len() >= CAPACITY {
                cache.clear();
            }
        }
        cache.insert(account_id.to_owned(), Cached { state, at: now });
    }
}
