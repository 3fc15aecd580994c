//! W3C Baggage: keys and values that a caller passes on to every service below it.
//!
//! The API's type holds 64 members and 8192 bytes, the least that the recommendation requires to be passed on (its
//! section Limits). Invalid members are left out; the valid ones are kept.

use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::baggage::Baggage;

use super::carrier::{MAX_BYTES, Sink, Source, trim};
use super::{Rejection, percent};
use crate::token::is_token;

pub(super) static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Maximum number of members, which is what the API's type holds.
const MAX_MEMBERS: usize = 64;

/// Reads the members into `baggage`. Of a key that comes twice, the later value counts. Returns why members were left
/// out, if some were.
pub(super) fn extract(source: &impl Source, baggage: &mut Baggage) -> Option<Rejection> {
    let mut left_out = None;
    let mut budget = MAX_BYTES;
    let mut members = MAX_MEMBERS;
    for line in source.lines(&BAGGAGE) {
        if budget == 0 {
            return Some(Rejection::Oversized);
        }
        let (read, whole) = within(line, budget);
        // The end of a line separates like a comma.
        budget = budget.saturating_sub(read.len() + 1);
        for text in read.split(|byte| *byte == b',').map(trim) {
            if text.is_empty() {
                continue;
            }
            if members == 0 {
                return Some(Rejection::Oversized);
            }
            members -= 1;
            match member(text) {
                Some((key, value, metadata)) => {
                    insert(baggage, key, value.into_owned(), metadata, &mut left_out);
                }
                None => left_out = Some(Rejection::Malformed),
            }
        }
        if !whole {
            return Some(Rejection::Oversized);
        }
    }
    left_out
}

/// Writes the members that fit, in the order of their keys, and removes those of earlier hops. Returns whether something
/// was left out.
pub(super) fn inject(baggage: &Baggage, sink: &mut impl Sink) -> bool {
    let (text, cut) = format(baggage);
    if text.is_empty() {
        sink.clear(&BAGGAGE);
    } else {
        sink.set(&BAGGAGE, Cow::Owned(text));
    }
    cut
}

/// Inserts a member, unless the baggage is full.
pub(super) fn insert(
    baggage: &mut Baggage,
    key: &str,
    value: String,
    metadata: String,
    left_out: &mut Option<Rejection>,
) {
    baggage.insert_with_metadata(key.to_owned(), value, metadata);
    if baggage.get(key).is_none() {
        *left_out = Some(Rejection::Oversized);
    }
}

fn format(baggage: &Baggage) -> (String, bool) {
    let mut text = String::new();
    if baggage.is_empty() {
        return (text, false);
    }
    let mut members: Vec<_> = baggage.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    let mut cut = false;
    for (key, (value, metadata)) in members {
        let before = text.len();
        if before > 0 {
            text.push(',');
        }
        text.extend([key.as_str(), "="]);
        // An `=` is allowed, but not every implementation reads it.
        percent::encode(&mut text, value.as_str(), |byte| {
            is_octet(byte) && byte != b'='
        });
        for part in split(metadata.as_str().as_bytes()) {
            match property(part) {
                Some(property) => text.extend([";", property]),
                None => cut = true,
            }
        }
        if text.len() > MAX_BYTES {
            text.truncate(before);
            cut = true;
        }
    }
    (text, cut)
}

/// The members of a line that are complete within `budget` bytes, and whether those are all.
fn within(line: &[u8], budget: usize) -> (&[u8], bool) {
    let Some(start) = line.get(..budget).filter(|start| start.len() < line.len()) else {
        return (line, true);
    };
    let end = start.iter().rposition(|byte| *byte == b',').unwrap_or(0);
    (&start[..end], false)
}

/// `key=value;property;property=value`, with white space around each. An invalid property makes the member invalid.
fn member(text: &[u8]) -> Option<(&str, Cow<'_, str>, String)> {
    let end = text
        .iter()
        .position(|byte| *byte == b';')
        .unwrap_or(text.len());
    let (pair, rest) = text.split_at(end);
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (trim(&pair[..at]), trim(&pair[at + 1..]));
    if !is_token(key) || !value.iter().copied().all(is_octet) {
        return None;
    }
    // Decoded bytes that are no UTF-8 are replaced, as the recommendation says.
    let value = match percent::decode(value) {
        Cow::Borrowed(value) => String::from_utf8_lossy(value),
        Cow::Owned(value) => Cow::Owned(String::from_utf8_lossy(&value).into_owned()),
    };
    let metadata: Option<Vec<&str>> = split(rest).map(property).collect();
    Some((std::str::from_utf8(key).ok()?, value, metadata?.join(";")))
}

/// The properties that follow a value.
fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let properties = text.split(|byte| *byte == b';').map(trim);
    properties.filter(|property| !property.is_empty())
}

/// One raw W3C baggage property, kept verbatim.
fn property(text: &[u8]) -> Option<&str> {
    let end = text
        .iter()
        .position(|byte| *byte == b'=')
        .unwrap_or(text.len());
    let (key, value) = text.split_at(end);
    let value = trim(value.get(1..).unwrap_or_default());
    let valid = is_token(trim(key)) && value.iter().copied().all(is_octet);
    valid.then(|| std::str::from_utf8(text).ok()).flatten()
}

/// A `baggage-octet`: visible ASCII without separators, quotes and backslashes.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use opentelemetry::baggage::BaggageMetadata;

    use super::super::carrier::Pairs;
    use super::*;

    fn read(lines: &[&str]) -> (Baggage, Option<Rejection>) {
        let line = |line: &&str| ("Baggage".to_owned(), (*line).to_owned());
        let mut baggage = Baggage::new();
        let source = Pairs(lines.iter().map(line).collect::<Vec<_>>());
        let left_out = extract(&source, &mut baggage);
        (baggage, left_out)
    }

    /// The members as `key=value;metadata`, in the order of their keys.
    fn members(baggage: &Baggage) -> Vec<String> {
        let text = baggage.iter().map(|(key, (value, metadata))| {
            let separator = if metadata.as_str().is_empty() {
                ""
            } else {
                ";"
            };
            format!("{key}={value}{separator}{metadata}")
        });
        let mut text: Vec<_> = text.collect();
        text.sort_unstable();
        text
    }

    #[test]
    fn members_have_keys_values_and_properties_with_white_space_around_them() {
        let (baggage, left_out) = read(&[
            "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
        ]);
        assert_eq!(left_out, None);
        assert_eq!(
            members(&baggage),
            [
                "key1=value1;property1;property2",
                "key2=value2",
                "key3=value3;propertyKey=propertyValue"
            ]
        );
    }

    #[test]
    fn a_value_may_be_empty_have_equals_signs_and_be_percent_encoded() {
        let (baggage, left_out) = read(&[
            "empty=,equals=a=b==,user=Am%C3%A9lie,broken=%C3,percent=100%,separators=%2C%3B%22",
        ]);
        assert_eq!(left_out, None);
        let value = |key: &str| baggage.get(key).unwrap().as_str();
        assert_eq!(value("empty"), "");
        assert_eq!(value("equals"), "a=b==");
        assert_eq!(value("user"), "Amélie");
        assert_eq!(value("broken"), "\u{fffd}");
        assert_eq!(value("percent"), "100%");
        assert_eq!(value("separators"), ",;\"");
    }

    #[test]
    fn several_lines_are_one_list_and_the_later_value_of_a_key_counts() {
        let (baggage, left_out) = read(&["a=1,b=2", "", " ,c=3", "a=4"]);
        assert_eq!(left_out, None);
        assert_eq!(members(&baggage), ["a=4", "b=2", "c=3"]);
    }

    #[test]
    fn a_member_that_is_not_valid_is_left_out_and_the_others_stay() {
        for bad in [
            "novalue", "=1", "b c=1", "b(=1", "b=1 2", "b=\"1\"", "b=\\", "b=é", "é=1", "b=1;=2",
            "b=1;c d", "b=1;c=\"",
        ] {
            let (baggage, left_out) = read(&[&format!("a=1,{bad},z=2")]);
            assert_eq!(left_out, Some(Rejection::Malformed), "{bad}");
            assert_eq!(members(&baggage), ["a=1", "z=2"], "{bad}");
        }
    }

    #[test]
    fn of_too_many_members_the_first_64_are_read() {
        let list = |count: usize| {
            let members: Vec<_> = (0..count).map(|number| format!("k{number}=v")).collect();
            members.join(",")
        };
        assert_eq!(read(&[&list(64)]).1, None);
        let (baggage, left_out) = read(&[&list(65)]);
        assert_eq!((baggage.len(), left_out), (64, Some(Rejection::Oversized)));
        let (baggage, left_out) = read(&list(65).split(',').collect::<Vec<_>>());
        assert_eq!((baggage.len(), left_out), (64, Some(Rejection::Oversized)));
    }

    #[test]
    fn of_too_many_bytes_the_members_that_are_whole_within_8192_are_read() {
        let value = "x".repeat(4000);
        let (one, two) = (format!("a={value}"), format!("b={value}"));
        let rest = MAX_BYTES - one.len() - two.len() - 2;
        let fits = format!("{one},{two},{}", &format!("c={}", "y".repeat(rest))[..rest]);
        assert_eq!(fits.len(), MAX_BYTES);
        let (baggage, left_out) = read(&[&fits]);
        assert_eq!((baggage.len(), left_out), (3, None));
        let (baggage, left_out) = read(&[&format!("{fits}z")]);
        assert_eq!((baggage.len(), left_out), (2, Some(Rejection::Oversized)));
        let (baggage, left_out) = read(&[&one, &two, &fits]);
        assert_eq!((baggage.len(), left_out), (2, Some(Rejection::Oversized)));
    }

    #[test]
    fn what_is_written_is_valid_whatever_the_application_put_in() {
        let mut baggage = Baggage::new();
        baggage.insert("list", "a,b;c=d \"e\" \\ 100%\r\né");
        let forged = BaggageMetadata::from("ok=1, admin=true; p\r\nx: y ;last");
        baggage.insert_with_metadata("meta", "1", forged);
        let (text, cut) = format(&baggage);
        assert!(cut, "properties were left out");
        assert_eq!(
            text,
            "list=a%2Cb%3Bc%3Dd%20%22e%22%20%5C%20100%25%0D%0A%C3%A9,meta=1;last"
        );
        let (again, left_out) = read(&[&text]);
        assert_eq!(left_out, None);
        assert_eq!(again.get("list"), baggage.get("list"));
    }

    #[test]
    fn of_too_much_baggage_whole_members_are_left_out() {
        let mut baggage = Baggage::new();
        baggage.insert("a", "1");
        // Three bytes each, once encoded.
        baggage.insert("b", " ".repeat(MAX_BYTES / 2));
        baggage.insert("c", "3");
        assert_eq!(format(&baggage), ("a=1,c=3".to_owned(), true));
    }
}
