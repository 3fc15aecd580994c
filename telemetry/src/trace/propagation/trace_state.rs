//! `tracestate`: what other vendors have to say about the trace (W3C Trace Context, 3.3).

use opentelemetry::trace::TraceState;

use super::Rejection;
use super::carrier::{MAX_BYTES, trim};

/// 3.3.1.1: more members make the whole list invalid.
const MAX_MEMBERS: usize = 32;

/// 3.3.1.5: so many bytes are passed on at least; here, at most.
const MAX_WRITTEN: usize = 512;

/// 3.3.1.5: longer members go first when the list is too long.
const LONG_MEMBER: usize = 128;

/// 3.3.1.3.1: of a key, and of its parts before and after the `@`.
const MAX_KEY: usize = 256;
const MAX_TENANT: usize = 241;
const MAX_SYSTEM: usize = 14;

/// 3.3.1.3.2.
const MAX_VALUE: usize = 256;

type Member<'a> = (&'a str, &'a str);

/// Reads the lines of the header as one list, and says what was left out.
///
/// A list with one invalid member, or with the same key twice, is invalid as a whole (3.3.1.1).
pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> (TraceState, Option<Rejection>) {
    match members(lines) {
        Ok(members) => build(members),
        Err(rejection) => (TraceState::NONE, Some(rejection)),
    }
}

/// The header of a state, and whether members were left out: those that are not valid, and when the list is too
/// long, the long ones and then those at its end, which are the oldest.
pub(super) fn format(state: &TraceState) -> (String, bool) {
    let valid = |member: &Member<'_>| is_key(member.0.as_bytes()) && is_value(member.1.as_bytes());
    let mut members: Vec<Member<'_>> = state.into_iter().filter(valid).collect();
    while written(&members) > MAX_WRITTEN {
        let long = members
            .iter()
            .rposition(|member| length(member) > LONG_MEMBER);
        members.remove(long.unwrap_or(members.len() - 1));
    }
    let mut text = String::with_capacity(written(&members));
    for (key, value) in &members {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend([key, "=", value]);
    }
    (text, members.len() < state.into_iter().len())
}

fn members<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Member<'a>>, Rejection> {
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut bytes = 0;
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
            if members.iter().any(|(key, _)| *key == member.0) {
                return Err(Rejection::Duplicated);
            }
            if members.len() == MAX_MEMBERS {
                return Err(Rejection::Oversized);
            }
            members.push(member);
        }
    }
    Ok(members)
}

/// The SDK's type takes a system id of 13 characters at most, where the recommendation has 14: such a member is
/// left out, so that the others are not lost with it.
fn build(mut members: Vec<Member<'_>>) -> (TraceState, Option<Rejection>) {
    if members.is_empty() {
        return (TraceState::NONE, None);
    }
    let all = members.len();
    members.retain(|(key, _)| {
        key.split_once('@')
            .is_none_or(|(_, system)| system.len() < MAX_SYSTEM)
    });
    let cut = (members.len() < all).then_some(Rejection::Truncated);
    match TraceState::from_key_value(members) {
        Ok(state) => (state, cut),
        Err(_) => (TraceState::NONE, Some(Rejection::Malformed)),
    }
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

/// 3.3.1.3.1, with the multi-tenant form of level 1.
fn is_key(key: &[u8]) -> bool {
    let part = |part: &[u8], digit_first: bool, max: usize| {
        let starts = part.first().is_some_and(|first| {
            first.is_ascii_lowercase() || (digit_first && first.is_ascii_digit())
        });
        starts
            && part.len() <= max
            && part.iter().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(byte)
            })
    };
    match key.iter().position(|byte| *byte == b'@') {
        Some(at) => part(&key[..at], true, MAX_TENANT) && part(&key[at + 1..], false, MAX_SYSTEM),
        None => part(key, true, MAX_KEY),
    }
}

/// 3.3.1.3.2: printable ASCII, ended by something that is no blank.
fn is_value(value: &[u8]) -> bool {
    value.len() <= MAX_VALUE
        && value.last().is_some_and(|last| *last != b' ')
        && value
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~') && !b",=".contains(byte))
}
