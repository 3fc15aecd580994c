//! Signed tokens: JSON Web Tokens (RFC 7519) with Ed25519 signatures (RFC 8037).
//!
//! The account service holds the private key; the gateway verifies tokens with the public key, which it gets from the
//! account service.

use std::collections::HashMap;

use api::common::{Caller, Role};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::caller;
use crate::clock::Millis;
use crate::failure::{Failure, Kind};

/// The `iss` claim of every token.
const ISSUER: &str = "bidtrace";

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The account's id.
    pub sub: String,
    /// `customer`, `restaurant` or `admin`.
    pub role: String,
    /// The issuer.
    pub iss: String,
    /// The expiry, Unix seconds.
    pub exp: i64,
    /// Whether the gateway accepts the trace context of the bearer's requests, as it does for the load generator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trace: bool,
}

impl Claims {
    /// The caller that the token authenticates.
    pub fn caller(&self) -> Caller {
        Caller {
            account_id: self.sub.clone(),
            role: caller::role(&self.role).unwrap_or(Role::Unspecified) as i32,
        }
    }
}

/// Signs tokens.
pub struct Signer {
    key_id: String,
    key: EncodingKey,
    public: [u8; 32],
}

impl Signer {
    /// A signer with the private key `secret` and its id `key_id`, the `kid` of the tokens.
    ///
    /// # Errors
    /// When the key cannot be encoded.
    pub fn new(key_id: String, secret: &[u8; 32]) -> Result<Self, Failure> {
        let signing = SigningKey::from_bytes(secret);
        let der = signing.to_pkcs8_der().map_err(Failure::internal)?;
        Ok(Self {
            key_id,
            key: EncodingKey::from_ed_der(der.as_bytes()),
            public: signing.verifying_key().to_bytes(),
        })
    }

    /// The key's id and the public key.
    pub fn verifying_key(&self) -> (&str, &[u8; 32]) {
        (&self.key_id, &self.public)
    }

    /// Signs a token that expires at `expires_at`.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(
        &self,
        account_id: &str,
        role: Role,
        trace: bool,
        expires_at: Millis,
    ) -> Result<String, Failure> {
        let header = Header {
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let claims = Claims {
            sub: account_id.to_owned(),
            role: caller::name(role).to_owned(),
            iss: ISSUER.to_owned(),
            exp: expires_at / 1000,
            trace,
        };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(Failure::internal)
    }
}

/// Verifies tokens.
#[derive(Default, Clone)]
pub struct Verifier {
    keys: HashMap<String, DecodingKey>,
}

impl Verifier {
    /// A verifier with these keys: id and Ed25519 public key.
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self {
            keys: keys
                .into_iter()
                .map(|(id, public)| (id.to_owned(), DecodingKey::from_ed_der(public)))
                .collect(),
        }
    }

    /// Whether this verifier has the key that `token` names. The signature is not checked.
    pub fn has_key_of(&self, token: &str) -> bool {
        jsonwebtoken::decode_header(token)
            .ok()
            .and_then(|header| header.kid)
            .is_some_and(|kid| self.keys.contains_key(&kid))
    }

    /// The claims of `token`, when its signature is valid and it has not expired.
    ///
    /// # Errors
    /// `token.expired` or `token.invalid`.
    pub fn verify(&self, token: &str) -> Result<Claims, Failure> {
        let invalid = || {
            Failure::new(
                Kind::Unauthenticated,
                "token.invalid",
                "the token is not one of ours; log in again",
            )
        };
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        let key = header
            .kid
            .and_then(|kid| self.keys.get(&kid))
            .ok_or_else(invalid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.leeway = 0;
        jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map(|data| data.claims)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => Failure::new(
                    Kind::Unauthenticated,
                    "token.expired",
                    "the token has expired; log in again",
                ),
                _ => invalid(),
            })
    }
}

#[cfg(test)]
mod tests {
    use api::common::Role;

    use super::{Signer, Verifier};
    use crate::clock::Clock;

    fn pair(secret: u8) -> (Signer, Verifier) {
        let signer = Signer::new("k1".to_owned(), &[secret; 32]).expect("a key");
        let (id, public) = signer.verifying_key();
        let verifier = Verifier::new([(id, public.as_slice())]);
        (signer, verifier)
    }

    #[test]
    fn a_token_says_who_its_bearer_is() {
        let (signer, verifier) = pair(7);
        let token = signer
            .sign("a1", Role::Restaurant, false, Clock::System.now() + 60_000)
            .expect("signed");
        let claims = verifier.verify(&token).expect("valid");
        assert_eq!(claims.caller().account_id, "a1");
        assert_eq!(claims.caller().role(), Role::Restaurant);
        assert!(!claims.trace);
    }

    #[test]
    fn an_expired_token_is_refused_as_expired() {
        let (signer, verifier) = pair(7);
        let token = signer
            .sign("a1", Role::Admin, false, Clock::System.now() - 2_000)
            .expect("signed");
        assert_eq!(
            verifier.verify(&token).expect_err("expired").code,
            "token.expired"
        );
    }

    #[test]
    fn a_token_signed_by_another_key_is_refused() {
        let (signer, _) = pair(7);
        let (_, verifier) = pair(8);
        let token = signer
            .sign("a1", Role::Admin, true, Clock::System.now() + 60_000)
            .expect("signed");
        assert_eq!(
            verifier.verify(&token).expect_err("forged").code,
            "token.invalid"
        );
    }

    #[test]
    fn garbage_is_refused() {
        let (_, verifier) = pair(7);
        for token in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            assert_eq!(
                verifier.verify(token).expect_err("garbage").code,
                "token.invalid"
            );
        }
    }
}
