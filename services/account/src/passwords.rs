//! Hashing and verification of passwords with Argon2id, with a limit on concurrency.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use chassis::{Failure, Kind};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::domain::Password;

/// Iterations and parallelism of OWASP's first recommendation for Argon2id, whose memory is 19 MiB.
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_LENGTH: usize = 16;

/// How long a request waits for a permit before it fails: less than its caller's deadline.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);

/// Hashes and verifies passwords on blocking threads, at most as many at the same time as half of the cores.
#[derive(Debug, Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    /// The hash of a random password. It is verified when an e-mail is unknown, so that this takes the same time.
    dummy_hash: Arc<str>,
    queue_timeout: Duration,
}

impl Passwords {
    /// Argon2id with `memory_kib` KiB of memory.
    ///
    /// # Errors
    /// When Argon2 does not accept this memory size.
    pub fn new(memory_kib: u32) -> Result<Self, Failure> {
        let params = Params::new(memory_kib, PASSES, LANES, None)
            .map_err(|error| Failure::internal(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            dummy_hash: hash(&argon2, &rand::random::<[u8; 32]>())?.into(),
            argon2,
            permits: Arc::new(Semaphore::new((cores / 2).max(1))),
            queue_timeout: QUEUE_TIMEOUT,
        })
    }

    /// Hashes `password` with a new salt. Returns a PHC string.
    ///
    /// # Errors
    /// `account.busy` when no permit is free within the queue's time-out.
    pub async fn hash(&self, password: Password) -> Result<String, Failure> {
        let argon2 = self.argon2.clone();
        self.with_permit(move || hash(&argon2, password.as_bytes()))
            .await
    }

    /// Whether `password` matches the hash `stored`. Without a stored hash the result is false, after the same time.
    ///
    /// # Errors
    /// `account.busy` when no permit is free within the queue's time-out.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<String>,
    ) -> Result<bool, Failure> {
        let argon2 = self.argon2.clone();
        let dummy_hash = self.dummy_hash.clone();
        self.with_permit(move || {
            let hash = stored.as_deref().unwrap_or(&dummy_hash);
            let hash =
                PasswordHash::new(hash).map_err(|error| Failure::internal(error.to_string()))?;
            let right = argon2.verify_password(password.as_bytes(), &hash).is_ok();
            Ok(right && stored.is_some())
        })
        .await
    }

    /// Runs `work` on a blocking thread, when a permit is free.
    async fn with_permit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let hashing = async {
            let permit =
                tokio::time::timeout(self.queue_timeout, self.permits.clone().acquire_owned())
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
                // Held until the work is done: when the caller stops waiting, the work still runs.
                let _permit = permit;
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
    async fn a_request_that_waits_too_long_is_told_to_try_again() {
        let passwords = Passwords {
            queue_timeout: Duration::ZERO,
            ..Passwords::new(64).expect("parameters")
        };
        let all = u32::try_from(passwords.permits.available_permits()).expect("few");
        let _busy = passwords
            .permits
            .clone()
            .acquire_many_owned(all)
            .await
            .expect("open");
        let failure = passwords
            .hash(password("correct horse"))
            .await
            .expect_err("no permit");
        assert_eq!(failure.code, "account.busy");
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_keeps_its_permit_until_the_work_is_done() {
        let passwords = Passwords::new(64).expect("parameters");
        let (release, held) = std::sync::mpsc::channel::<()>();
        let before = passwords.permits.available_permits();
        let mut work = Box::pin(passwords.with_permit(move || {
            // Blocks until the test drops the sender.
            let _ = held.recv();
            Ok(())
        }));
        tokio::select! {
            biased;
            _ = &mut work => panic!("the work is held"),
            () = tokio::task::yield_now() => {}
        }
        drop(work);
        assert_eq!(passwords.permits.available_permits(), before - 1);
        drop(release);
        let all = u32::try_from(before).expect("few");
        let every_permit = passwords.permits.acquire_many(all).await;
        assert!(every_permit.is_ok(), "released when the work is done");
    }
}
