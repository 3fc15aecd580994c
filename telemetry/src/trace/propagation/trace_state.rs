//! `tracestate`: what tracing systems other than this one say about the trace (W3C Trace Context, 3.3).
//!
//! Keys follow level 2 of the recommendation, where an at sign may stand anywhere but first. The [`TraceState`] of
//! OpenTelemetry's API has the older rule for at signs and refuses some of these keys. A list with such a key is kept
//! whole, as text, in a [`FullList`] beside the span.

use std::sync::Arc;

use opentelemetry::trace::{SpanContext, TraceId, TraceState};

use super::Rejection;
use super::carrier::{MAX_BYTES, trim};

/// 3.3.1.1: more members make the whole list invalid.
const MAX_MEMBERS: usize = 32;

/// 3.3.1.5: at least so many bytes must be passed on. No more are.
const MAX_WRITTEN: usize = 512;

/// 3.3.1.5: longer members are left out first when the list is too long.
const LONG_MEMBER: usize = 128;

/// 3.3.1.3.1.
const MAX_KEY: usize = 256;

/// 3.3.1.3.2.
const MAX_VALUE: usize = 256;

/// A list as it was received, kept in the context because [`TraceState`] refuses a key in it.
///
/// It belongs to the spans of one trace: another trace in the same context does not carry it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FullList {
    trace: TraceId,
    members: Arc<str>,
}

/// What was read from the lines of the header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The members that the API's type takes.
    pub(super) state: TraceState,
    /// All members as one list, when the API's type does not take them all.
    pub(super) full: Option<Arc<str>>,
    /// Why members were left out, if some were.
    pub(super) rejected: Option<Rejection>,
}

type Member<'a> = (&'a str, &'a str);

/// Reads the lines of the header as one list.
///
/// One invalid member makes the whole list invalid. Of a key that comes twice the first member is kept, which is the
/// newer one (3.3.1.1, 3.5).
pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Parsed {
    match members(lines) {
        Ok((members, rejected)) => Parsed {
            rejected,
            ..divide(&members)
        },
        Err(rejection) => Parsed {
            rejected: Some(rejection),
            ..Parsed::default()
        },
    }
}

/// The value of the header for a state, and whether members were left out: invalid ones, and when the list is too long,
/// first the long ones and then those at its end, which are the oldest.
pub(super) fn format(state: &TraceState, full: Option<&FullList>) -> (String, bool) {
    let mut members: Vec<Member<'_>> = match full {
        Some(full) => join(state, &full.members),
        None => state.into_iter().collect(),
    };
    let all = members.len();
    members.retain(|(key, value)| is_key(key.as_bytes()) && is_value(value.as_bytes()));
    members.truncate(MAX_MEMBERS);
    while written(&members) > MAX_WRITTEN {
        let long = members
            .iter()
            .rposition(|member| length(member) > LONG_MEMBER);
        members.remove(long.unwrap_or(members.len() - 1));
    }
    (text(&members), members.len() < all)
}

/// The members of a valid list, as far as the API's type takes them, and the whole list when it does not take them all.
pub(super) fn divide(members: &[Member<'_>]) -> Parsed {
    let taken = members.iter().filter(|(key, _)| is_taken(key)).copied();
    let full = members.iter().any(|(key, _)| !is_taken(key));
    match TraceState::from_key_value(taken) {
        Ok(state) => Parsed {
            state,
            full: full.then(|| text(members).into()),
            rejected: None,
        },
        Err(_) => Parsed {
            rejected: Some(Rejection::Malformed),
            ..Parsed::default()
        },
    }
}

/// What `state` has become of the list that was received: members that are new or changed come first (3.5), then the
/// received ones in their order, without those that were removed.
pub(super) fn join<'a>(state: &'a TraceState, received: &'a str) -> Vec<Member<'a>> {
    let received = || received.split(',').filter_map(|text| text.split_once('='));
    let mut members: Vec<Member<'_>> = state
        .into_iter()
        .filter(|member| received().all(|other| other != *member))
        .collect();
    for member in received() {
        let key = member.0;
        let is_changed = members.iter().any(|(other, _)| *other == key);
        let is_removed = is_taken(key) && state.get(key).is_none();
        if !is_changed && !is_removed {
            members.push(member);
        }
    }
    members
}

fn members<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> Result<(Vec<Member<'a>>, Option<Rejection>), Rejection> {
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut rejected = None;
    let (mut bytes, mut count) = (0, 0);
    for line in lines {
        bytes += line.len() + 1;
        if bytes > MAX_BYTES {
            return Err(Rejection::Oversized);
        }
        for text in line.split(|byte| *byte == b',').map(trim) {
            // 3.3.1.1 allows empty members.
            if text.is_empty() {
                continue;
            }
            let member = member(text).ok_or(Rejection::Malformed)?;
            count += 1;
            if count > MAX_MEMBERS {
                return Err(Rejection::Oversized);
            }
            if members.iter().any(|(key, _)| *key == member.0) {
                rejected = Some(Rejection::Duplicated);
            } else {
                members.push(member);
            }
        }
    }
    Ok((members, rejected))
}

/// Whether the API's type takes a key that is valid here.
fn is_taken(key: &str) -> bool {
    !key.contains('@') || TraceState::from_key_value([(key, "")]).is_ok()
}

fn text(members: &[Member<'_>]) -> String {
    let mut text = String::with_capacity(written(members));
    for (key, value) in members {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend([key, "=", value]);
    }
    text
}

fn member(text: &[u8]) -> Option<Member<'_>> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&text[..at], &text[at + 1..]);
    if !is_key(key) || !is_value(value) {
        return None;
    }
    Some((
        std::str::from_utf8(key).ok()?,
        std::str::from_utf8(value).ok()?,
    ))
}

fn length((key, value): &Member<'_>) -> usize {
    key.len() + 1 + value.len()
}

fn written(members: &[Member<'_>]) -> usize {
    members
        .iter()
        .map(|member| length(member) + 1)
        .sum::<usize>()
        .saturating_sub(1)
}

/// 3.3.1.3.1 of level 2.
pub(super) fn is_key(key: &[u8]) -> bool {
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.len() <= MAX_KEY
        && key.first().is_some_and(is_first)
        && key
            .iter()
            .all(|byte| is_first(byte) || b"_-*/@".contains(byte))
}

/// 3.3.1.3.2: printable ASCII that does not end with a space.
fn is_value(value: &[u8]) -> bool {
    value.len() <= MAX_VALUE
        && value.last().is_some_and(|last| *last != b' ')
        && value
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~') && !b",=".contains(byte))
}

// === impl FullList ===

impl FullList {
    pub(super) fn new(trace: TraceId, members: Arc<str>) -> Self {
        Self { trace, members }
    }

    /// Whether `span` carries it on.
    pub(crate) fn belongs_to(&self, span: &SpanContext) -> bool {
        self.trace == span.trace_id()
    }
}
