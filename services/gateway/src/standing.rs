//! Whether an account is still open: a token verifies until it expires, also after its account was closed.

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

/// For how long an answer of the account service is believed.
const FRESH_MS: Millis = 5_000;
/// How long a write waits for that answer before it goes on without.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many accounts are remembered.
const CAPACITY: usize = 100_000;

/// What is known of the accounts that have written lately.
pub(crate) struct Standing {
    accounts: AccountsClient<Channel>,
    clock: Clock,
    seen: Mutex<HashMap<String, Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    open: bool,
    at: Millis,
}

impl Standing {
    pub(crate) fn new(accounts: AccountsClient<Channel>, clock: Clock) -> Self {
        Self {
            accounts,
            clock,
            seen: Mutex::default(),
        }
    }

    /// Lets the writes of open accounts pass.
    ///
    /// # Errors
    /// `account.closed`. An account service that does not answer is no reason to refuse.
    pub(crate) async fn check(&self, caller: &Caller) -> Result<(), Failure> {
        let open = if let Some(open) = self.remembered(&caller.account_id) {
            open
        } else {
            let open = self.ask(caller).await;
            self.remember(&caller.account_id, open);
            open
        };
        if open {
            Ok(())
        } else {
            Err(Failure::forbidden(
                "account.closed",
                "this account is closed",
            ))
        }
    }

    /// Takes note of an account that was closed through this gateway.
    pub(crate) fn closed(&self, account_id: &str) {
        self.remember(account_id, false);
    }

    async fn ask(&self, caller: &Caller) -> bool {
        let request = GetAccountRequest {
            caller: Some(caller.clone()),
            account_id: caller.account_id.clone(),
        };
        let mut accounts = self.accounts.clone();
        match tokio::time::timeout(PATIENCE, accounts.get_account(request)).await {
            Ok(Ok(account)) => account.get_ref().state() != AccountState::Closed,
            Ok(Err(status)) if status.code() == tonic::Code::NotFound => false,
            Ok(Err(status)) => {
                tracing::warn!(error = %chain(&status), "cannot ask whether an account is open");
                true
            }
            Err(_) => {
                tracing::warn!(
                    "the account service does not say in time whether an account is open"
                );
                true
            }
        }
    }

    fn remembered(&self, account_id: &str) -> Option<bool> {
        let now = self.clock.now();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(account_id)
            .filter(|seen| now - seen.at < FRESH_MS)
            .map(|seen| seen.open)
    }

    fn remember(&self, account_id: &str, open: bool) {
        let now = self.clock.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CAPACITY {
            seen.retain(|_, seen| now - seen.at < FRESH_MS);
            if seen.len() >= CAPACITY {
                seen.clear();
            }
        }
        seen.insert(account_id.to_owned(), Seen { open, at: now });
    }
}
