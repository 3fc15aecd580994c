//! Argon2id, a few at a time.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use chassis::{Failure, Kind};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::domain::Password;

/// Passes and lanes of OWASP's first choice for Argon2id; its memory is 19 MiB.
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_LENGTH: usize = 16;

/// How long a request waits for its turn before it is refused: less than its caller's deadline.
const PATIENCE: Duration = Duration::from_secs(3);

/// Hashes and checks passwords on blocking threads, on half of the machine's cores at most.
#[derive(Debug, Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// The hash of no one's password: what an unknown e-mail's password is checked against.
    decoy: Arc<str>,
    patience: Duration,
}

impl Passwords {
    /// Argon2id with `memory_kib` KiB of memory.
    ///
    /// # Errors
    /// When Argon2 does not take this much memory.
    pub fn new(memory_kib: u32) -> Result<Self, Failure> {
        let params = Params::new(memory_kib, PASSES, LANES, None)
            .map_err(|error| Failure::internal(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            decoy: hash(&argon2, &rand::random::<[u8; 32]>())?.into(),
            argon2,
            turns: Arc::new(Semaphore::new((cores / 2).max(1))),
            patience: PATIENCE,
        })
    }

    /// The hash of `password` with a fresh salt, as a PHC string.
    ///
    /// # Errors
    /// `account.busy` when too many others are before it.
    pub async fn hash(&self, password: Password) -> Result<String, Failure> {
        let argon2 = self.argon2.clone();
        self.in_turn(move || hash(&argon2, password.as_bytes()))
            .await
    }

    /// Whether `password` is the one that was hashed to `stored`. Without a stored hash the answer is no, at the same
    /// cost.
    ///
    /// # Errors
    /// `account.busy` when too many others are before it.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<String>,
    ) -> Result<bool, Failure> {
        let argon2 = self.argon2.clone();
        let decoy = self.decoy.clone();
        self.in_turn(move || {
            let hash = stored.as_deref().unwrap_or(&decoy);
            let hash =
                PasswordHash::new(hash).map_err(|error| Failure::internal(error.to_string()))?;
            let right = argon2.verify_password(password.as_bytes(), &hash).is_ok();
            Ok(right && stored.is_some())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let hashing = async {
            let turn = tokio::time::timeout(self.patience, self.turns.clone().acquire_owned())
                .await
                .map_err(|_| {
                    Failure::new(
                        Kind::Exhausted,
                        "account.busy",
                        "too many logins and sign-ups just now; try again in a few seconds",
                    )
                })?
                .map_err(Failure::internal)?;
            telemetry::context::spawn_blocking(move || {
                // Moved in here: a caller that gives up does not end the hashing, so it must not give up the turn.
                let _turn = turn;
                work()
            })
            .await
            .map_err(Failure::internal)?
        };
        hashing
            .instrument(tracing::info_span!("account.argon2"))
            .await
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, Failure> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; SALT_LENGTH]>())
        .map_err(|error| Failure::internal(error.to_string()))?;
    argon2
        .hash_password(password, &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| Failure::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Passwords;
    use crate::domain::Password;

    fn password(text: &str) -> Password {
        Password::parse(text).expect("valid")
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = Passwords::new(64).expect("parameters");
        let stored = passwords
            .hash(password("correct horse"))
            .await
            .expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=2,p=1$"));
        let check = |text: &str| passwords.verify(password(text), Some(stored.clone()));
        assert!(check("correct horse").await.expect("checked"));
        assert!(!check("Correct horse").await.expect("checked"));
    }

    #[tokio::test]
    async fn the_same_password_has_another_hash_each_time() {
        let passwords = Passwords::new(64).expect("parameters");
        let first = passwords.hash(password("correct horse")).await;
        let second = passwords.hash(password("correct horse")).await;
        assert_ne!(first.expect("hashed"), second.expect("hashed"));
    }

    #[tokio::test]
    async fn nobodys_password_is_never_right() {
        let passwords = Passwords::new(64).expect("parameters");
        assert!(
            !passwords
                .verify(password("correct horse"), None)
                .await
                .expect("checked")
        );
    }

    #[tokio::test]
    async fn whoever_waits_too_long_is_told_to_come_again() {
        let passwords = Passwords {
            patience: Duration::ZERO,
            ..Passwords::new(64).expect("parameters")
        };
        let all = u32::try_from(passwords.turns.available_permits()).expect("few");
        let _busy = passwords
            .turns
            .clone()
            .acquire_many_owned(all)
            .await
            .expect("open");
        let failure = passwords
            .hash(password("correct horse"))
            .await
            .expect_err("no turn");
        assert_eq!(failure.code, "account.busy");
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_keeps_its_turn_until_the_work_is_done() {
        let passwords = Passwords::new(64).expect("parameters");
        let (release, held) = std::sync::mpsc::channel::<()>();
        let before = passwords.turns.available_permits();
        let mut work = Box::pin(passwords.in_turn(move || {
            // The test's end of the channel decides when this work is done.
            let _ = held.recv();
            Ok(())
        }));
        tokio::select! {
            biased;
            _ = &mut work => panic!("the work is held"),
            () = tokio::task::yield_now() => {}
        }
        drop(work);
        assert_eq!(passwords.turns.available_permits(), before - 1);
        drop(release);
        let all = u32::try_from(before).expect("few");
        let every_turn = passwords.turns.acquire_many(all).await;
        assert!(every_turn.is_ok(), "given back once the work is done");
    }
}
