//! Carriers, from which contexts are read and to which they are written: the headers of a request or a message, and
//! implementations of OpenTelemetry's own traits.

use std::borrow::Cow;

use http::header::ValueIter;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

use super::Rejection;

/// Maximum size of one header that is read, over all of its lines, in bytes.
///
/// Baggage may have as many (W3C Baggage, 3.3.2). Every other header has fewer.
pub(super) const MAX_BYTES: usize = 8192;

/// Where a context is read from.
pub(super) trait Source {
    /// The values of a header, line by line, in their order.
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]>;

    /// The headers whose names begin so: what follows in the name, and the value.
    fn prefixed(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &[u8])>;

    /// The value of a header that may come only once, without the white space around it.
    #[inline]
    fn single(&self, name: &'static HeaderName) -> Result<Option<&[u8]>, Rejection> {
        let mut lines = self.lines(name);
        let Some(line) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() {
            return Err(Rejection::Duplicated);
        }
        if line.len() > MAX_BYTES {
            return Err(Rejection::Oversized);
        }
        Ok(Some(trim(line)))
    }
}

/// The headers of a request, of which those that may carry a context were selected in one pass. This costs less than
/// several lookups of names that are absent.
pub(super) struct Picked<'a> {
    all: &'a HeaderMap,
    initials: Initials,
    places: [Option<Header<'a>>; PICKED],
    // How many headers have one of the initials, including those beyond the last place.
    count: usize,
}

/// A set of first letters of header names.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Initials(u64);

/// How many headers are selected at most: more than a request usually has.
const PICKED: usize = 8;

type Header<'a> = (&'a HeaderName, &'a HeaderValue);

/// The lines of a header.
enum Lines<'a> {
    Picked(
        &'static HeaderName,
        std::slice::Iter<'a, Option<Header<'a>>>,
    ),
    All(ValueIter<'a, HeaderValue>),
}

/// Where a context is written to. Values are visible ASCII.
pub(super) trait Sink {
    /// Writes a header in place of the one that is there.
    fn set(&mut self, name: &'static HeaderName, value: Cow<'_, str>);

    /// The same, for a name that is known only now.
    fn set_prefixed(&mut self, prefix: &'static str, key: &str, value: String);

    /// Removes a header of an earlier hop.
    fn clear(&mut self, name: &'static HeaderName);

    /// Removes the headers whose names begin so.
    fn clear_prefixed(&mut self, prefix: &'static str);
}

/// Name-value pairs: the headers of a message, or the fields of a saved context.
#[derive(Debug, Default)]
pub(super) struct Pairs<T>(pub(super) T);

/// A carrier behind the traits of OpenTelemetry, from which nothing can be removed.
pub(super) struct Foreign<T>(pub(super) T);

/// Without optional white space (RFC 9110, 5.6.3) around it.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// What follows the prefix in a name, in any case.
fn after<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

// === impl HeaderMap ===

impl Source for HeaderMap {
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    fn prefixed(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().filter_map(move |(name, value)| {
            Some((after(name.as_str(), prefix)?, value.as_bytes()))
        })
    }
}

impl Sink for HeaderMap {
    fn set(&mut self, name: &'static HeaderName, value: Cow<'_, str>) {
        let value = match value {
            Cow::Borrowed(value) => HeaderValue::from_str(value),
            Cow::Owned(value) => HeaderValue::try_from(value),
        };
        if let Ok(value) = value {
            self.insert(name, value);
        }
    }

    fn set_prefixed(&mut self, prefix: &'static str, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(format!("{prefix}{key}")),
            HeaderValue::try_from(value),
        ) {
            self.insert(name, value);
        }
    }

    fn clear(&mut self, name: &'static HeaderName) {
        self.remove(name);
    }

    fn clear_prefixed(&mut self, prefix: &'static str) {
        let stale: Vec<HeaderName> = self
            .keys()
            .filter(|name| after(name.as_str(), prefix).is_some())
            .cloned()
            .collect();
        for name in stale {
            self.remove(name);
        }
    }
}

// === impl Initials ===

impl Initials {
    /// The first letters of these names.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a HeaderName>) -> Self {
        let letters = names.into_iter().map(Self::letter);
        Self(letters.fold(0, |all, letter| all | letter))
    }

    /// Different letters may have the same bit, which costs time and does no harm.
    #[inline]
    fn letter(name: &HeaderName) -> u64 {
        let first = name.as_str().as_bytes().first();
        first.map_or(0, |first| 1 << (first & 63))
    }

    #[inline]
    fn has(self, name: &HeaderName) -> bool {
        self.0 & Self::letter(name) != 0
    }
}

// === impl Picked ===

impl<'a> Picked<'a> {
    /// Selects the headers with these initials.
    #[inline]
    pub(super) fn of(all: &'a HeaderMap, initials: Initials) -> Self {
        let mut picked = Self {
            all,
            initials,
            places: [None; PICKED],
            count: 0,
        };
        for header in all {
            if initials.has(header.0) {
                if let Some(place) = picked.places.get_mut(picked.count) {
                    *place = Some(header);
                }
                picked.count += 1;
            }
        }
        picked
    }
}

impl Source for Picked<'_> {
    #[inline]
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
        match self.places.get(..self.count) {
            Some(picked) if self.initials.has(name) => Lines::Picked(name, picked.iter()),
            _ => Lines::All(self.all.get_all(name).iter()),
        }
    }

    fn prefixed(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &[u8])> {
        self.all.prefixed(prefix)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let value = match self {
            Self::Picked(name, picked) => {
                let mut named = picked.flatten().filter(|header| header.0 == *name);
                named.next().map(|(_, value)| *value)
            }
            Self::All(values) => values.next(),
        };
        value.map(HeaderValue::as_bytes)
    }
}

// === impl Pairs ===

impl<T: AsRef<[(String, String)]>> Source for Pairs<T> {
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
        let named = |pair: &&(String, String)| pair.0.eq_ignore_ascii_case(name.as_str());
        let pairs = self.0.as_ref().iter().filter(named);
        pairs.map(|(_, value)| value.as_bytes())
    }

    fn prefixed(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &[u8])> {
        let pairs = self.0.as_ref().iter();
        pairs.filter_map(move |(name, value)| Some((after(name, prefix)?, value.as_bytes())))
    }
}

impl Sink for Pairs<Vec<(String, String)>> {
    fn set(&mut self, name: &'static HeaderName, value: Cow<'_, str>) {
        self.0.push((name.as_str().to_owned(), value.into_owned()));
    }

    fn set_prefixed(&mut self, prefix: &'static str, key: &str, value: String) {
        self.0.push((format!("{prefix}{key}"), value));
    }

    // The pairs are new, so that there is nothing to remove.
    fn clear(&mut self, _name: &'static HeaderName) {}

    fn clear_prefixed(&mut self, _prefix: &'static str) {}
}

// === impl Foreign ===

impl Source for Foreign<&dyn Extractor> {
    fn lines(&self, name: &'static HeaderName) -> impl Iterator<Item = &[u8]> {
        let lines = self.0.get_all(name.as_str()).unwrap_or_default();
        lines.into_iter().map(str::as_bytes)
    }

    fn prefixed(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.keys().into_iter().filter_map(move |name| {
            let value = self.0.get(name)?;
            Some((after(name, prefix)?, value.as_bytes()))
        })
    }
}

impl Sink for Foreign<&mut dyn Injector> {
    fn set(&mut self, name: &'static HeaderName, value: Cow<'_, str>) {
        self.0.set(name.as_str(), value.into_owned());
    }

    fn set_prefixed(&mut self, prefix: &'static str, key: &str, value: String) {
        self.0.set(&format!("{prefix}{key}"), value);
    }

    fn clear(&mut self, _name: &'static HeaderName) {}

    fn clear_prefixed(&mut self, _prefix: &'static str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    static B3: HeaderName = HeaderName::from_static("b3");

    #[test]
    fn a_header_that_may_come_once_is_refused_when_it_comes_twice_or_is_too_long() {
        let mut headers = HeaderMap::new();
        assert_eq!(headers.single(&B3), Ok(None));
        headers.append("b3", HeaderValue::from_static(" \t0 "));
        assert_eq!(headers.single(&B3), Ok(Some(b"0".as_slice())));
        headers.append("b3", HeaderValue::from_static("0"));
        assert_eq!(headers.single(&B3), Err(Rejection::Duplicated));
        let long = Pairs(vec![("B3".to_owned(), " ".repeat(MAX_BYTES + 1))]);
        assert_eq!(long.single(&B3), Err(Rejection::Oversized));
    }

    #[test]
    fn all_lines_of_a_header_are_found_in_their_order_however_many_there_are() {
        static OTHER: HeaderName = HeaderName::from_static("baggage");
        let mut headers = HeaderMap::new();
        for count in 0..2 * PICKED {
            for initials in [
                Initials::of([&B3]),
                Initials::of([&OTHER]),
                Initials::default(),
            ] {
                let picked = Picked::of(&headers, initials);
                for name in [&B3, &OTHER] {
                    assert!(picked.lines(name).eq(headers.lines(name)), "{count}");
                    assert_eq!(picked.single(name), headers.single(name));
                }
            }
            headers.append(&B3, HeaderValue::from(count));
            headers.append("host", HeaderValue::from(count));
            if count % 4 == 3 {
                headers.append("baggage", HeaderValue::from(count));
            }
        }
    }

    #[test]
    fn names_are_found_in_whatever_case_they_are_written() {
        let pairs = Pairs(vec![("UberCtx-Tenant".to_owned(), "mapo".to_owned())]);
        let found: Vec<_> = pairs.prefixed("uberctx-").collect();
        assert_eq!(found, [("Tenant", b"mapo".as_slice())]);
        assert_eq!(after("über", "uberctx-"), None);
    }

    #[test]
    fn what_a_former_hop_wrote_is_taken_away() {
        let mut headers = HeaderMap::new();
        headers.insert("uberctx-a", HeaderValue::from_static("1"));
        headers.insert("uber", HeaderValue::from_static("2"));
        headers.clear_prefixed("uberctx-");
        assert_eq!(headers.len(), 1);
    }
}
