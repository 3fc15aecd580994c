//! What must not be written down: secrets and personal data, known by the names of their fields and by a few forms
//! of text.
//!
//! A name is judged by its words (`accessToken`, `access-token` and `http.access_token` are the same), so that
//! `password_hash` is caught and `compass` is not. Names are all that can be judged surely: a secret inside other text
//! is only found where its form gives it away ([`scrub`]), as in a URL, a connection string or a header.

mod names;
mod text;

pub(crate) use names::is_sensitive_again;
pub(crate) use text::scrub;

/// What stands in the place of what was taken out.
pub(crate) const REDACTED: &str = "REDACTED";

/// Words that make a name sensitive, wherever in the name they are.
const WORDS: &[&str] = &[
    "apikey",
    "authorization",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "cvc",
    "cvv",
    "email",
    "iban",
    "jwt",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "phone",
    "pwd",
    "secret",
    "secrets",
    "sessionid",
    "ssn",
    "token",
    "tokens",
];

/// The same for two words in a row.
const PAIRS: &[(&str, &str)] = &[
    ("access", "key"),
    ("access", "signature"),
    ("account", "key"),
    ("api", "key"),
    ("card", "number"),
    ("credit", "card"),
    ("encryption", "key"),
    ("private", "key"),
    ("session", "id"),
    ("signing", "key"),
];

/// The keys of a query whose values sign or grant something: those that the conventions list now, and those that
/// they listed before.
pub(crate) const SIGNATURES: [&str; 7] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "sig",
    "X-Goog-Signature",
    "AWSAccessKeyId",
    "Signature",
];

/// Whether what is kept under this name must not be written down.
pub(crate) fn is_sensitive(name: &str) -> bool {
    let mut before = "";
    words(name).any(|word| {
        let pair = |(first, second): &(&str, &str)| {
            before.eq_ignore_ascii_case(first) && word.eq_ignore_ascii_case(second)
        };
        let found =
            WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) || PAIRS.iter().any(pair);
        before = word;
        found
    })
}

/// The words of a name in `snake_case`, `kebab-case`, `camelCase` or with dots.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|char: char| !char.is_alphanumeric())
        .flat_map(|part| {
            let mut rest = part;
            std::iter::from_fn(move || {
                if rest.is_empty() {
                    return None;
                }
                let (word, left) = rest.split_at(hump(rest));
                rest = left;
                Some(word)
            })
        })
}

/// Where the next word begins: at a capital after a small letter.
fn hump(text: &str) -> usize {
    text.char_indices()
        .zip(text.chars().skip(1))
        .find(|((_, char), next)| !char.is_uppercase() && next.is_uppercase())
        .map_or(text.len(), |((at, char), _)| at + char.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_sensitive_by_its_words_however_they_are_joined() {
        for name in [
            "password",
            "PASSWORD",
            "user.password_hash",
            "accessToken",
            "access-token",
            "http.request.header.authorization",
            "set-cookie",
            "api_key",
            "x-api-key",
            "apiKey",
            "signing_key",
            "session.id",
            "user.email",
            "client_secret",
        ] {
            assert!(is_sensitive(name), "{name} is written down");
        }
        for name in [
            "",
            "message",
            "compass",
            "key",
            "key_id",
            "tokio",
            "secretary",
            "session",
            "keyboard",
            "idempotency_key",
            "auction.id",
            "monkey.api",
        ] {
            assert!(!is_sensitive(name), "{name} is taken out");
        }
    }
}
