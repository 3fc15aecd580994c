//! An endpoint given by a variable, before its scheme is decided.

use http::Uri;
use http::uri::{PathAndQuery, Scheme};

use super::variable::{Parsed, Unfit};

/// An endpoint as given: a URL, or for gRPC also a bare host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// A missing scheme is read as `http`.
    uri: Uri,
    has_scheme: bool,
}

// === impl Endpoint ===

impl Endpoint {
    pub(super) fn parse(value: &str) -> Parsed<Self> {
        let has_scheme = value.contains("://");
        let uri: Uri = if has_scheme {
            value.parse()
        } else {
            format!("http://{value}").parse()
        }
        .map_err(|_| Unfit::Form)?;
        let spoken = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
        let authority = uri.authority().ok_or(Unfit::Form)?;
        if authority.as_str().contains('@') {
            return Err(Unfit::Because(
                "credentials belong into the headers".to_owned(),
            ));
        }
        let host = authority.host();
        let port_is_right = authority.as_str() == host || authority.port_u16().is_some();
        if spoken && !host.is_empty() && port_is_right {
            Ok(Self { uri, has_scheme })
        } else {
            Err(Unfit::Form)
        }
    }

    /// The URL; an error when the scheme is missing.
    pub(super) fn with_scheme(self) -> Parsed<Uri> {
        if self.has_scheme {
            Ok(self.uri)
        } else {
            Err(Unfit::Because("the scheme is missing".to_owned()))
        }
    }

    /// The URL; `insecure` decides between `http` and `https` when the scheme is missing.
    pub(super) fn or_insecure(self, insecure: bool) -> Uri {
        if self.has_scheme || insecure {
            return self.uri;
        }
        let mut parts = self.uri.clone().into_parts();
        parts.scheme = Some(Scheme::HTTPS);
        Uri::from_parts(parts).unwrap_or(self.uri)
    }
}

/// Appends `path` to the path of `base`, with one slash between them.
pub(super) fn below(base: Uri, path: &str) -> Uri {
    let query = base
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let joined = format!("{}{path}{query}", base.path().trim_end_matches('/'));
    let mut parts = base.clone().into_parts();
    parts.path_and_query = joined.parse::<PathAndQuery>().ok();
    Uri::from_parts(parts).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_or_a_host_and_a_port() {
        for (given, secure, insecure) in [
            ("http://c:4317", "http://c:4317/", "http://c:4317/"),
            ("https://c", "https://c/", "https://c/"),
            ("HTTPS://c:1/otlp", "https://c:1/otlp", "https://c:1/otlp"),
            ("c:4317", "https://c:4317/", "http://c:4317/"),
            ("[::1]:4317", "https://[::1]:4317/", "http://[::1]:4317/"),
        ] {
            let endpoint = Endpoint::parse(given).unwrap();
            assert_eq!(endpoint.clone().or_insecure(false), secure, "{given}");
            assert_eq!(endpoint.or_insecure(true), insecure, "{given}");
        }
    }

    #[test]
    fn what_is_no_address_or_holds_a_password_is_refused() {
        for given in [
            "ftp://c",
            "unix:///run/c",
            "http://",
            "://c",
            "c:port",
            "c:99999",
            "a b",
            "/v1",
        ] {
            assert_eq!(Endpoint::parse(given), Err(Unfit::Form), "{given}");
        }
        assert!(matches!(
            Endpoint::parse("http://me:secret@c"),
            Err(Unfit::Because(_))
        ));
    }

    #[test]
    fn a_path_is_put_after_the_path_that_is_there() {
        for (base, below_it) in [
            ("http://c:4318", "http://c:4318/v1/traces"),
            ("http://c:4318/", "http://c:4318/v1/traces"),
            ("http://c/otlp/", "http://c/otlp/v1/traces"),
            ("http://c/otlp?key=1", "http://c/otlp/v1/traces?key=1"),
        ] {
            assert_eq!(below(base.parse().unwrap(), "/v1/traces"), below_it);
        }
    }
}
