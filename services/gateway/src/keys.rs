//! The keys with which tokens are verified: the account service's, fetched when they are needed and kept.

use std::sync::{Arc, PoisonError, RwLock};

use ::api::account::GetVerifyingKeysRequest;
use ::api::account::accounts_client::AccountsClient;
use chassis::Failure;
use chassis::clock::{Clock, Millis};
use chassis::failure::chain;
use chassis::grpc::Channel;
use chassis::token::{Claims, Verifier};
use http::HeaderMap;
use tokio::sync::Mutex;
use tracing::Instrument as _;

/// The keys are asked for at most this often, however many tokens name keys that are not known.
const MINIMUM_INTERVAL_MS: Millis = 1_000;

/// The header with the credential of a caller whose trace context may come in.
const TRACE_AUTHORIZATION: &str = "trace-authorization";

/// The verifier of tokens, and where its keys come from.
pub(crate) struct Keys {
    accounts: AccountsClient<Channel>,
    clock: Clock,
    verifier: RwLock<Arc<Verifier>>,
    last: Mutex<Option<Fetch>>,
}

#[derive(Clone, Copy)]
struct Fetch {
    at: Millis,
    succeeded: bool,
}

impl Keys {
    pub(crate) fn new(accounts: AccountsClient<Channel>, clock: Clock) -> Self {
        Self {
            accounts,
            clock,
            verifier: RwLock::default(),
            last: Mutex::default(),
        }
    }

    /// What `token` says, when it is one of ours.
    ///
    /// # Errors
    /// `token.invalid`, `token.expired`, or `unavailable` when its key is not known and cannot be asked for.
    pub(crate) async fn claims(&self, token: &str) -> Result<Claims, Failure> {
        let verifier = self.current();
        if verifier.knows_key_of(token) {
            return verifier.verify(token);
        }
        self.newer_than(&verifier).await?.verify(token)
    }

    /// Whether the trace context of this request may be inherited. It never waits, so a credential whose key was not
    /// fetched yet does not count.
    pub(crate) fn trust_trace_of(&self, headers: &HeaderMap) -> bool {
        bearer(headers, TRACE_AUTHORIZATION)
            .and_then(|token| self.current().verify(token).ok())
            .is_some_and(|claims| claims.trace)
    }

    /// Fetches the keys, unless that was done just now.
    ///
    /// # Errors
    /// `unavailable` when the account service does not hand them out.
    pub(crate) async fn fetch(&self) -> Result<(), Failure> {
        self.newer_than(&self.current()).await.map(|_| ())
    }

    async fn newer_than(&self, seen: &Arc<Verifier>) -> Result<Arc<Verifier>, Failure> {
        let mut last = self.last.lock().await;
        let current = self.current();
        if !Arc::ptr_eq(&current, seen) {
            return Ok(current);
        }
        match *last {
            Some(fetch) if self.clock.now() - fetch.at < MINIMUM_INTERVAL_MS => {
                return if fetch.succeeded {
                    Ok(current)
                } else {
                    Err(unavailable())
                };
            }
            _ => {}
        }
        let answer = self
            .accounts
            .clone()
            .get_verifying_keys(GetVerifyingKeysRequest {})
            .instrument(tracing::info_span!("gateway.fetch_verifying_keys"))
            .await;
        *last = Some(Fetch {
            at: self.clock.now(),
            succeeded: answer.is_ok(),
        });
        match answer {
            Ok(answer) => {
                let keys = answer.into_inner().keys;
                let verifier = Arc::new(Verifier::new(
                    keys.iter()
                        .map(|key| (key.key_id.as_str(), key.public_key.as_slice())),
                ));
                *self
                    .verifier
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = verifier.clone();
                Ok(verifier)
            }
            Err(status) => {
                tracing::warn!(error = %chain(&status), "cannot fetch the verifying keys");
                Err(unavailable())
            }
        }
    }

    fn current(&self) -> Arc<Verifier> {
        self.verifier
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The token of a `Bearer` credential (RFC 6750) in this header.
pub(crate) fn bearer<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (scheme, token) = headers.get(name)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

fn unavailable() -> Failure {
    Failure::new(
        chassis::Kind::Unavailable,
        "unavailable",
        "tokens cannot be verified just now; try again",
    )
}
