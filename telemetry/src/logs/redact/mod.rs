//! What must not be written down: secrets and personal data, known by the names of their fields and by a few forms
//! of text.
//!
//! A name is judged by its words (`accessToken`, `access-token` and `http.access_token` are the same), so that
//! `password_hash` is caught and `compass` is not. Names are all that can be judged surely: a secret inside other text
//! is only found where its form gives it away, as credentials in a URL or after `Bearer`.

use std::borrow::Cow;

mod names;

pub(crate) use names::is_sensitive_again;

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
    ("api", "key"),
    ("card", "number"),
    ("credit", "card"),
    ("encryption", "key"),
    ("private", "key"),
    ("session", "id"),
    ("signing", "key"),
];

/// The schemes of HTTP authentication whose credentials follow in the text.
const SCHEMES: &[&str] = &["bearer ", "basic "];

/// Shorter words after a scheme are prose.
const SHORTEST_CREDENTIAL: usize = 8;

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

/// The text without the credentials that can be told by their form.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    if !may_have_credentials(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let text = if text.contains("://") {
        without_user_info(text)
    } else {
        Cow::Borrowed(text)
    };
    SCHEMES.iter().fold(text, |text, scheme| {
        match without_credentials(&text, scheme) {
            Some(scrubbed) => Cow::Owned(scrubbed),
            None => text,
        }
    })
}

/// Whether there is a URL's colon, or the blank after a scheme: most texts have neither.
#[allow(clippy::needless_bitwise_bool)] // Without branches all bytes of a chunk are looked at together.
fn may_have_credentials(text: &[u8]) -> bool {
    let (chunks, rest) = text.as_chunks::<16>();
    let is = |found, byte: &u8| found | (*byte == b':') | (*byte == b' ');
    chunks.iter().any(|chunk| chunk.iter().fold(false, is))
        || rest.iter().any(|byte| matches!(byte, b':' | b' '))
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

/// `scheme://user:password@host` without what is before the `@`.
fn without_user_info(text: &str) -> Cow<'_, str> {
    let mut scrubbed = String::new();
    let mut found = false;
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, authority) = rest.split_at(at + 3);
        let end = authority
            .find(|char: char| char.is_whitespace() || "/?#\"'<>`".contains(char))
            .unwrap_or(authority.len());
        scrubbed.push_str(before);
        rest = authority;
        if let Some(host) = authority[..end].rfind('@')
            && !authority[..host].split(':').all(|part| part == REDACTED)
        {
            scrubbed.push_str(REDACTED);
            rest = &authority[host..];
            found = true;
        }
    }
    if !found {
        return Cow::Borrowed(text);
    }
    scrubbed.push_str(rest);
    Cow::Owned(scrubbed)
}

/// The text without what follows `scheme`, where that looks like a credential; nothing when there is none.
fn without_credentials(text: &str, scheme: &str) -> Option<String> {
    let mut scrubbed = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(at) = find_ignoring_case(rest, scheme) {
        let (before, after) = rest.split_at(at + scheme.len());
        let end = after
            .find(|char: char| !(char.is_ascii_alphanumeric() || "-._~+/=".contains(char)))
            .unwrap_or(after.len());
        let credential = &after[..end];
        scrubbed.push_str(before);
        if credential.len() >= SHORTEST_CREDENTIAL
            && credential.contains(|char: char| char.is_ascii_digit() || char == '=')
        {
            scrubbed.push_str(REDACTED);
            found = true;
        } else {
            scrubbed.push_str(credential);
        }
        rest = &after[end..];
    }
    scrubbed.push_str(rest);
    found.then_some(scrubbed)
}

/// Where `wanted`, which is ASCII, begins.
fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes()
        .windows(wanted.len())
        .position(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn credentials_in_a_text_are_taken_out_and_the_rest_stays() {
        for (text, scrubbed) in [
            (
                "cannot connect to postgres://auction:hunter2@db:5432/auction?a=b@c",
                "cannot connect to postgres://REDACTED@db:5432/auction?a=b@c",
            ),
            (
                "nats://a@b@one, nats://two:4222, https://x/@y",
                "nats://REDACTED@one, nats://two:4222, https://x/@y",
            ),
            (
                "sent Authorization: BEARER eyJhbGciOi.1-2_3 twice",
                "sent Authorization: BEARER REDACTED twice",
            ),
            ("basic dXNlcjpwYXNz=", "basic REDACTED"),
            (
                "the basic authentication of the bearer token",
                "the basic authentication of the bearer token",
            ),
            ("minji@example.com://", "minji@example.com://"),
            ("x://REDACTED:REDACTED@host", "x://REDACTED:REDACTED@host"),
        ] {
            assert_eq!(scrub(text), scrubbed);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scrubbed_without_a_panic_and_once_is_enough(text in "\\PC*|(a|:|/|@|[Bb]earer |1|é| ){0,40}") {
            is_sensitive(&text);
            let once = scrub(&text).into_owned();
            prop_assert_eq!(scrub(&once), once.as_str());
        }

        #[test]
        fn a_password_in_a_url_never_comes_through(
            before in "[a-z ]{0,9}", user in "[a-z]{1,9}", password in "[a-zA-Z0-9:@!$&*+,;=._~-]{9,20}",
        ) {
            let text = format!("{before} x://{user}:{password}@host/path");
            prop_assert!(!scrub(&text).contains(&password), "{}", scrub(&text));
        }
    }
}
