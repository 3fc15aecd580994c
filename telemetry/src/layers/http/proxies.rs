//! Whom a request comes from and how, when it was handed on by proxies whose addresses are trusted.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, header};

use super::url;
use crate::metrics::signals::UrlScheme;

/// How many proxies in a row are believed.
const MOST_PROXIES: usize = 16;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// The networks whose proxies are believed, and the header in which they say what they were asked.
///
/// Of each header what the trusted proxies have added counts, from the nearest one to the first address that is not
/// trusted: what is left of that anybody may have written. Choose the header that the proxies write: the other one they
/// may hand on as a stranger sent it.
#[derive(Debug, Clone)]
pub struct TrustedProxies {
    header: Header,
    networks: Arc<[Network]>,
}

/// The network of trusted proxies is not one in CIDR form, such as `10.0.0.0/8` or `2001:db8::1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network in CIDR form, such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Forwarded,
    XForwarded,
}

/// An address with a prefix of so many bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

/// What a proxy, or several, say of the request that they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    pub(super) client: Option<IpAddr>,
    pub(super) scheme: Option<UrlScheme>,
    pub(super) host: Option<Cow<'a, str>>,
    pub(super) port: Option<u16>,
}

// === impl TrustedProxies ===

impl TrustedProxies {
    /// Proxies that write `Forwarded` (RFC 7239).
    pub fn forwarded<'n>(
        networks: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, InvalidNetwork> {
        Self::new(Header::Forwarded, networks)
    }

    /// Proxies that write `X-Forwarded-For`, and perhaps `-Proto`, `-Host` and `-Port`.
    pub fn x_forwarded<'n>(
        networks: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, InvalidNetwork> {
        Self::new(Header::XForwarded, networks)
    }

    fn new<'n>(
        header: Header,
        networks: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, InvalidNetwork> {
        let networks: Result<_, _> = networks.into_iter().map(Network::from_str).collect();
        Ok(Self {
            header,
            networks: networks?,
        })
    }

    /// What the headers of a request say that this peer has sent; nothing when the peer is not trusted.
    pub(super) fn origin<'a>(&self, peer: IpAddr, headers: &'a HeaderMap) -> Option<Origin<'a>> {
        if !self.trusts(peer) {
            return None;
        }
        let claims = match self.header {
            Header::Forwarded => forwarded(headers),
            Header::XForwarded => x_forwarded(headers),
        };
        let mut origin = Origin::default();
        for claim in claims.into_iter().rev().take(MOST_PROXIES) {
            origin = Origin {
                client: claim.client,
                scheme: claim.scheme.or(origin.scheme),
                port: if claim.host.is_some() {
                    claim.port
                } else {
                    claim.port.or(origin.port)
                },
                host: claim.host.or(origin.host),
            };
            if !claim.client.is_some_and(|client| self.trusts(client)) {
                break;
            }
        }
        Some(origin)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.has(address))
    }
}

// === impl Network ===

impl Network {
    fn has(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| invalid())?,
            None => bits,
        };
        if prefix > bits {
            return Err(invalid());
        }
        Ok(Self { address, prefix })
    }
}

/// The elements of `Forwarded`, one for each proxy, the nearest one's last.
fn forwarded(headers: &HeaderMap) -> Vec<Origin<'_>> {
    elements(headers, &header::FORWARDED)
        .into_iter()
        .map(|element| {
            let mut claim = Origin::default();
            for pair in split(element, b';') {
                let Some((name, value)) = pair.split_once('=') else {
                    continue;
                };
                let value = unquoted(value.trim());
                match name.trim() {
                    name if name.eq_ignore_ascii_case("for") => claim.client = address(&value),
                    name if name.eq_ignore_ascii_case("proto") => claim.scheme = scheme(&value),
                    name if name.eq_ignore_ascii_case("host") => claim.set_host(value),
                    _ => {}
                }
            }
            claim
        })
        .collect()
}

/// The same of the `X-Forwarded` headers. What has a value for each proxy goes with the addresses one by one; of
/// anything else the nearest proxy's value counts for all.
fn x_forwarded<'a>(headers: &'a HeaderMap) -> Vec<Origin<'a>> {
    let clients = elements(headers, &X_FORWARDED_FOR);
    let [schemes, hosts, ports] = [&X_FORWARDED_PROTO, &X_FORWARDED_HOST, &X_FORWARDED_PORT]
        .map(|name| elements(headers, name));
    // A proxy may say the scheme alone.
    let count = clients.len().max(1);
    let of = |values: &[&'a str], at: usize| {
        let is_for_each = values.len() == count;
        if is_for_each {
            values.get(at).copied()
        } else {
            values.last().copied()
        }
    };
    (0..count)
        .map(|at| {
            let mut claim = Origin {
                client: clients.get(at).and_then(|client| address(client)),
                scheme: of(&schemes, at).and_then(scheme),
                ..Origin::default()
            };
            if let Some(host) = of(&hosts, at) {
                claim.set_host(Cow::Borrowed(host));
            }
            let port = of(&ports, at).and_then(|port| port.parse().ok());
            claim.port = claim.port.or(port);
            claim
        })
        .collect()
}

// === impl Origin ===

impl<'a> Origin<'a> {
    fn set_host(&mut self, value: Cow<'a, str>) {
        if let Some((host, port)) = url::host_and_port(&value) {
            let length = host.len();
            self.port = port;
            self.host = Some(match value {
                Cow::Borrowed(value) => Cow::Borrowed(&value[..length]),
                Cow::Owned(mut value) => {
                    value.truncate(length);
                    Cow::Owned(value)
                }
            });
        }
    }
}

/// The elements of all lines of a header that is a list.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| split(line, b','))
        .filter(|element| !element.is_empty())
        .collect()
}

/// The parts of a text between separators that are not in quotes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |char: char| {
        let escaped = is_escaped;
        is_escaped = is_quoted && char == '\\' && !escaped;
        if char == '"' && !escaped {
            is_quoted = !is_quoted;
        }
        char == char::from(separator) && !is_quoted
    })
    .map(str::trim)
}

/// What is in the quotes of a quoted string, or the token itself.
fn unquoted(text: &str) -> Cow<'_, str> {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match inner {
        Some(inner) if inner.contains('\\') => {
            let mut is_escaped = false;
            let chars = inner.chars().filter(|char| {
                is_escaped = *char == '\\' && !is_escaped;
                !is_escaped
            });
            Cow::Owned(chars.collect())
        }
        Some(inner) => Cow::Borrowed(inner),
        None => Cow::Borrowed(text),
    }
}

/// The address of a node, with or without a port; `unknown` and made-up names have none.
fn address(node: &str) -> Option<IpAddr> {
    let node = node.trim_matches('"');
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'))
        .unwrap_or(node);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(node.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

fn scheme(text: &str) -> Option<UrlScheme> {
    [("http", UrlScheme::Http), ("https", UrlScheme::Https)]
        .into_iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name))
        .map(|(_, scheme)| scheme)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::try_from(*name).unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    /// Client, scheme and host with its port, as text.
    fn told(proxies: &TrustedProxies, peer: IpAddr, lines: &[(&str, &str)]) -> Option<String> {
        let headers = headers(lines);
        let origin = proxies.origin(peer, &headers)?;
        let client = origin.client.map(|client| client.to_string());
        let scheme = origin.scheme.map_or("-", UrlScheme::as_str);
        let port = origin.port.map(|port| format!(":{port}"));
        Some(format!(
            "{} {scheme} {}{}",
            client.as_deref().unwrap_or("-"),
            origin.host.as_deref().unwrap_or("-"),
            port.unwrap_or_default(),
        ))
    }

    #[test]
    fn what_trusted_proxies_say_counts_up_to_the_first_address_that_is_not_trusted() {
        let proxies = TrustedProxies::forwarded(["10.0.0.0/8", "2001:db8::/32"]).unwrap();
        for (forwarded, origin) in [
            (
                "for=192.0.2.7;proto=https;host=shop.example",
                "192.0.2.7 https shop.example",
            ),
            (
                "For=\"[2001:db9::7]:4711\"; Proto=HTTPS; Host=\"shop.example:8443\"",
                "2001:db9::7 https shop.example:8443",
            ),
            (
                "for=198.51.100.1;host=forged.example, for=192.0.2.7;proto=https;host=shop.example, for=10.9.9.9;proto=http",
                "192.0.2.7 https shop.example",
            ),
            ("for=10.1.1.1, for=\"[2001:db8::1]\"", "10.1.1.1 - -"),
            ("for=unknown;proto=https", "- https -"),
            ("for=198.51.100.1, for=_hidden;proto=https", "- https -"),
            ("for=\"x,y\";proto=\"ht\\tps\"", "- https -"),
            ("proto=gopher;host=\"a b\"", "- - -"),
            ("", "- - -"),
        ] {
            let told = told(&proxies, PROXY, &[("forwarded", forwarded)]);
            assert_eq!(told.as_deref(), Some(origin), "{forwarded}");
        }
        let lines = [
            ("forwarded", "for=192.0.2.7"),
            ("forwarded", "for=10.2.2.2"),
        ];
        assert_eq!(
            told(&proxies, PROXY, &lines).as_deref(),
            Some("192.0.2.7 - -")
        );
    }

    #[test]
    fn the_older_headers_are_read_alike_when_they_are_the_ones_that_are_trusted() {
        let proxies = TrustedProxies::x_forwarded(["10.0.0.0/8"]).unwrap();
        for (lines, origin) in [
            (
                &[
                    ("x-forwarded-for", "198.51.100.1, 192.0.2.7, 10.1.1.1"),
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "shop.example"),
                    ("x-forwarded-port", "8443"),
                    ("forwarded", "for=203.0.113.1;proto=http"),
                ][..],
                "192.0.2.7 https shop.example:8443",
            ),
            (
                &[
                    ("x-forwarded-for", "198.51.100.1, 192.0.2.7, 10.1.1.1"),
                    ("x-forwarded-proto", "http, https, http"),
                ],
                "192.0.2.7 https -",
            ),
            (&[("x-forwarded-proto", "https")], "- https -"),
            (
                &[
                    ("x-forwarded-proto", "http, https"),
                    ("x-forwarded-for", "192.0.2.7:80"),
                ],
                "192.0.2.7 https -",
            ),
            (
                &[
                    ("x-forwarded-host", "[2001:db8::1]:81"),
                    ("x-forwarded-port", "82"),
                ],
                "- - [2001:db8::1]:81",
            ),
        ] {
            assert_eq!(
                told(&proxies, PROXY, lines).as_deref(),
                Some(origin),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn nobody_is_believed_whose_address_is_not_trusted() {
        let proxies = TrustedProxies::forwarded(["10.0.0.0/30", "192.0.2.1"]).unwrap();
        for (peer, is_trusted) in [
            ("10.0.0.3", true),
            ("::ffff:10.0.0.3", true),
            ("192.0.2.1", true),
            ("10.0.0.4", false),
            ("192.0.2.2", false),
            ("::a00:3", false),
        ] {
            let told = told(
                &proxies,
                peer.parse().unwrap(),
                &[("forwarded", "for=1.1.1.1")],
            );
            assert_eq!(told.is_some(), is_trusted, "{peer}");
        }
        let nobody = TrustedProxies::forwarded([]).unwrap();
        assert_eq!(nobody.origin(PROXY, &HeaderMap::new()), None);
        let everybody = TrustedProxies::forwarded(["0.0.0.0/0"]).unwrap();
        assert!(everybody.origin(PROXY, &HeaderMap::new()).is_some());
    }

    #[test]
    fn what_is_no_network_is_refused_and_named() {
        for network in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/",
            "shop.example",
            "10.0.0.0/-1",
        ] {
            let refused = TrustedProxies::forwarded([network]).unwrap_err();
            assert_eq!(refused, InvalidNetwork(network.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_the_server_panic(line in "[ -~]{0,60}|(for=|\"|,|;|\\\\|proto=|host=|10\\.0\\.0\\.1){0,20}") {
            let lines = [("forwarded", line.as_str()), ("x-forwarded-for", &line), ("x-forwarded-host", &line)];
            for proxies in [TrustedProxies::forwarded(["10.0.0.0/8"]), TrustedProxies::x_forwarded(["10.0.0.0/8"])] {
                told(&proxies.unwrap(), PROXY, &lines);
            }
        }
    }
}
