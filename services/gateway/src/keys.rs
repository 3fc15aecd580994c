//! Verification of tokens with the account service's public keys, which are fetched when they are needed and cached.

use std::sync::{Arc, PoisonError, RwLock};

use ::api::account::GetVerifyingKeysRequest;
use ::api::account::accounts_client::AccountsClient;
use chassis::Failure;
use chassis::clock::{Clock, Millis};
use chassis::failure::chain;
use chassis::grpc::Channel;
use chassis::headers::TRACE_AUTHORIZATION;
use chassis::token::{Claims, Verifier};
use http::HeaderMap;
use tokio::sync::Mutex;
use tracing::Instrument as _;

/// The minimum time between two fetches, however many tokens name unknown keys.
const MINIMUM_INTERVAL_MS: Millis = 1_000;

/// A verifier of tokens that fetches its keys.
pub(crate) struct Keys {
    accounts: AccountsClient<Channel>,
    clock: Clock,
    verifier: RwLock<Arc<Verifier>>,
    last: Mutex<Option<Fetch>>,
}

/// The latest fetch of the keys.
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

    /// The claims of `token`, when it is valid.
    ///
    /// # Errors
    /// `token.invalid`, `token.expired`, or `unavailable` when its key is unknown and cannot be fetched.
    pub(crate) async fn claims(&self, token: &str) -> Result<Claims, Failure> {
        let verifier = self.current();
        if verifier.has_key_of(token) {
            return verifier.verify(token);
        }
        self.newer_than(&verifier).await?.verify(token)
    }

    /// Whether the trace context of a request with these headers is trusted. It never fetches keys, so a credential with a
    /// key that is not cached is not trusted.
    pub(crate) fn trusts_trace_of(&self, headers: &HeaderMap) -> bool {
        bearer(headers, TRACE_AUTHORIZATION)
            .and_then(|token| self.current().verify(token).ok())
            .is_some_and(|claims| claims.trace)
    }

    /// Fetches the keys, unless the latest fetch was less than the minimum time ago.
    ///
    /// # Errors
    /// `unavailable` when the account service does not return them.
    pub(crate) async fn fetch(&self) -> Result<(), Failure> {
        self.newer_than(&self.current()).await.map(|_| ())
    }

    /// A verifier with keys that were fetched after `seen` was read.
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

/// The token of the `Bearer` credential (RFC 6750) in this header.
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
