//! Addresses without what may be secret in them.

use std::borrow::Cow;

use http::Uri;
use http::uri::Authority;

use crate::logs::redact::{REDACTED, SIGNATURES, is_sensitive};

/// `url.full`: without the query unless it is asked for, and without user and password in any case.
pub(super) fn full(uri: &Uri, authority: Option<&Authority>, with_query: bool) -> String {
    let mut text = String::new();
    if let Some(authority) = authority {
        text.push_str(uri.scheme_str().unwrap_or("http"));
        text.push_str("://");
        match authority.as_str().rsplit_once('@') {
            Some((user, address)) => {
                text.push_str(REDACTED);
                if user.contains(':') {
                    text.push(':');
                    text.push_str(REDACTED);
                }
                text.push('@');
                text.push_str(address);
            }
            None => text.push_str(authority.as_str()),
        }
    }
    text.push_str(uri.path());
    if let Some(asked) = uri.query().filter(|_| with_query) {
        text.push('?');
        text.push_str(&query(asked));
    }
    text
}

/// Whether a byte may be in the name of a host (RFC 3986, 3.2.2: `reg-name`).
static OF_NAME: [bool; 256] = {
    let mut all = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        all[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut others = b"-._~%!$&'()*+,;=".as_slice();
    while let [first, rest @ ..] = others {
        all[*first as usize] = true;
        others = rest;
    }
    all
};

/// The host and the port that a `Host` header names (RFC 9110, 7.2), where they stand; nothing when it is none.
pub(super) fn host_and_port(header: &str) -> Option<(&str, Option<u16>)> {
    let colon = header.bytes().rposition(|byte| byte == b':');
    let (host, port) = match colon.and_then(|at| header.split_at_checked(at)) {
        // The colons of an IPv6 address are in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, &port[1..]),
        _ => (header, ""),
    };
    let is_host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| {
            address
                .bytes()
                .all(|byte| byte == b':' || OF_NAME[usize::from(byte)])
        }),
        None => !host.is_empty() && host.bytes().all(|byte| OF_NAME[usize::from(byte)]),
    };
    is_host.then(|| (host, port.parse().ok()))
}

/// `url.query`, with the values of secret keys replaced.
pub(super) fn query(query: &str) -> Cow<'_, str> {
    let is_secret = |pair: &str| {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key);
        SIGNATURES.contains(&key) || is_sensitive(key)
    };
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if is_secret(pair) => Cow::Owned(format!("{key}={REDACTED}")),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    Cow::Owned(pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_host_header_names_a_host_and_perhaps_a_port() {
        for (header, named) in [
            ("kitchen.example", Some(("kitchen.example", None))),
            (
                "kitchen.example:8080",
                Some(("kitchen.example", Some(8080))),
            ),
            ("kitchen.example:", Some(("kitchen.example", None))),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:80", Some(("[::1]", Some(80)))),
            ("kitchen.example:99999", Some(("kitchen.example", None))),
            ("", None),
            (":80", None),
            ("::1", None),
            ("[::1", None),
            ("a b", None),
            ("user@kitchen.example", None),
            ("kitchen.example/path", None),
        ] {
            assert_eq!(host_and_port(header), named, "{header}");
        }
    }

    #[test]
    fn an_address_is_told_without_credentials_and_without_its_query() {
        for (uri, told) in [
            ("http://kitchen/menu", "http://kitchen/menu"),
            (
                "https://kitchen:8443/menu?token=1",
                "https://kitchen:8443/menu",
            ),
            (
                "https://ann:pass@kitchen/",
                "https://REDACTED:REDACTED@kitchen/",
            ),
            ("https://ann@kitchen/", "https://REDACTED@kitchen/"),
            ("/menu?x=1", "/menu"),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(full(&uri, uri.authority(), false), told);
        }
    }

    #[test]
    fn a_query_that_is_asked_for_is_told_without_signatures() {
        for (asked, told) in [
            ("", ""),
            ("color=blue&sig=abc", "color=blue&sig=REDACTED"),
            (
                "X-Amz-Signature=a&X-Amz-Date=b",
                "X-Amz-Signature=REDACTED&X-Amz-Date=b",
            ),
            (
                "AWSAccessKeyId=a&Signature=b&X-Goog-Signature=c",
                "AWSAccessKeyId=REDACTED&Signature=REDACTED&X-Goog-Signature=REDACTED",
            ),
            // Keys are told apart by case, as the conventions ask.
            ("SIG=abc&designature=x&sig", "SIG=abc&designature=x&sig"),
            ("sig=a=b&&=", "sig=REDACTED&&="),
        ] {
            assert_eq!(query(asked), told);
        }
        let uri: Uri = "http://ann:pass@kitchen/menu?sig=abc&x=1".parse().unwrap();
        assert_eq!(
            full(&uri, uri.authority(), true),
            "http://REDACTED:REDACTED@kitchen/menu?sig=REDACTED&x=1"
        );
    }

    proptest! {
        #[test]
        fn no_secret_survives_wherever_it_stands(before in "[a-z=&]{0,20}", after in "[a-z=&]{0,20}") {
            let told = query(&format!("{before}&sig=TOPSECRET&{after}")).into_owned();
            prop_assert!(!told.contains("TOPSECRET"), "{told}");
        }
    }
}
