//! Validation of a webhook's URL.

use chassis::Failure;
use http::Uri;

/// The maximum length of a URL.
pub const MAX_LENGTH: usize = 2048;

/// Validates a URL: absolute, `http` or `https`, with a host, without user and fragment.
///
/// # Errors
/// `notification.bad_webhook_url`.
pub fn parse(text: &str) -> Result<Uri, Failure> {
    if text.len() > MAX_LENGTH {
        return Err(bad(format!("expected at most {MAX_LENGTH} characters")));
    }
    if text.contains('#') {
        return Err(bad("expected an address without a fragment (#)"));
    }
    let uri: Uri = text
        .parse()
        .map_err(|_| bad("expected an address such as https://example.com/hooks"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad(
            "expected an address that begins with http:// or https://",
        ));
    }
    let Some(authority) = uri.authority().filter(|it| !it.host().is_empty()) else {
        return Err(bad("expected an address with a host"));
    };
    if authority.as_str().contains('@') {
        return Err(bad("expected an address without a user or password"));
    }
    Ok(uri)
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::invalid("notification.bad_webhook_url", "url", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn http_and_https_addresses_with_a_host_are_taken() {
        for good in [
            "https://example.com/hooks?x=1",
            "http://127.0.0.1:9999/",
            "https://[::1]:8443/a",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        let long = format!("https://example.com/{}", "x".repeat(2048));
        for bad in [
            "ftp://example.com",
            "file:///etc/passwd",
            "example.com/hooks",
            "/hooks",
            "https://user:secret@example.com/",
            "https://example.com/#part",
            "https://",
            "not an address",
            &long,
        ] {
            let failure = parse(bad).expect_err(bad);
            assert_eq!(failure.field.as_deref(), Some("url"));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_given_is_taken_or_refused(text in "\\PC{0,60}") {
            if let Ok(uri) = parse(&text) {
                prop_assert!(uri.host().is_some_and(|host| !host.is_empty()));
            }
        }
    }
}
