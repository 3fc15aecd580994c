//! Secrets inside a text, such as that of an error, where their form gives them away: the user and the query of a URL,
//! `password=...` and its kin of connection strings, query strings and debug output, and credentials in headers.

use std::borrow::Cow;
use std::ops::Range;

use super::{REDACTED, SIGNATURES, is_sensitive};

/// The schemes of HTTP authentication whose credential is known wherever it is, without the name of its header.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// The schemes after which a header has its credentials in one more word, or in a list of parameters.
const HEADER_SCHEMES: [&str; 10] = [
    "apikey",
    "aws4-hmac-sha256",
    "basic",
    "bearer",
    "digest",
    "dpop",
    "hawk",
    "negotiate",
    "ntlm",
    "token",
];

/// Shorter words after a scheme, or after `token:`, are prose.
const SHORTEST_CREDENTIAL: usize = 8;

/// The names after which prose is as likely as a secret: `unexpected token: ...`.
const LOOSE: [&str; 8] = [
    "bearer",
    "credential",
    "credentials",
    "email",
    "otp",
    "phone",
    "token",
    "tokens",
];

/// How many bytes of a text are looked through for what may not be there at all.
const LONGEST_LOOK: usize = 256;

/// How many times a text is looked through again that had a secret.
const MOST_PASSES: usize = 8;

/// What closes a quotation or a parenthesis, or ends a sentence, after a secret.
const CLOSING: &[char] = &[')', ']', '}', '>', '\'', '.', ',', ':', ';', '!'];

/// The text without the secrets that can be told by their form.
///
/// The time that it takes grows with the length of the text, and no faster: strangers choose some of them.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    let mut scrubbed = scrub_once(text);
    // What was before and after a query stands together now, and may be a secret's name and the secret.
    for _ in 0..MOST_PASSES {
        match scrubbed {
            Cow::Owned(text) => match scrub_once(&text) {
                Cow::Owned(again) => scrubbed = Cow::Owned(again),
                Cow::Borrowed(_) => return Cow::Owned(text),
            },
            Cow::Borrowed(_) => break,
        }
    }
    scrubbed
}

fn scrub_once(text: &str) -> Cow<'_, str> {
    if !may_have_secrets(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut scrubbed = String::new();
    let (mut kept, mut at, mut url_end) = (0, 0, 0);
    while let Some(mark) = next_mark(text.as_bytes(), at) {
        at = mark + 1;
        let byte = text.as_bytes()[mark];
        let secret = match byte {
            b':' if text[mark..].starts_with("://") => {
                let start = mark + 3;
                if start > url_end {
                    url_end = start + url(&text[start..]).len();
                }
                user_info(&text[..url_end], start)
            }
            b':' => labelled(text, mark),
            b'=' => assigned(text, mark),
            b'?' | b'#' if mark < url_end => query(&text[..url_end], mark),
            b' ' => after_scheme(text, mark),
            _ => None,
        };
        let Some(secret) = secret.filter(|secret| {
            !secret.is_empty() && &text[secret.clone()] != REDACTED && secret.start >= kept
        }) else {
            continue;
        };
        scrubbed.push_str(&text[kept..secret.start]);
        // A query goes without a trace, as it does in `url.full`.
        if !matches!(byte, b'?' | b'#') {
            scrubbed.push_str(REDACTED);
        }
        kept = secret.end;
        at = at.max(kept);
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    scrubbed.push_str(&text[kept..]);
    Cow::Owned(scrubbed)
}

/// Whether there is one of the bytes at which a secret can be told: most texts have none.
#[allow(clippy::needless_bitwise_bool)] // Without branches all bytes of a chunk are looked at together.
fn may_have_secrets(text: &[u8]) -> bool {
    let (chunks, rest) = text.as_chunks::<16>();
    let is = |found, byte: &u8| found | (*byte == b':') | (*byte == b' ') | (*byte == b'=');
    chunks.iter().any(|chunk| chunk.iter().fold(false, is))
        || rest.iter().any(|byte| matches!(byte, b':' | b' ' | b'='))
}

/// Where the next URL, pair or scheme may be: at its colon, equals sign or blank, or at the `?` or `#` of a URL.
fn next_mark(text: &[u8], from: usize) -> Option<usize> {
    let found = text[from..]
        .iter()
        .position(|byte| matches!(byte, b':' | b'=' | b' ' | b'?' | b'#'));
    Some(from + found?)
}

/// `user:password` of the URL that ends with the text, and whose authority begins there.
fn user_info(text: &str, start: usize) -> Option<Range<usize>> {
    let url = &text[start..];
    let end = url.find(['/', '?', '#', '\'']).unwrap_or(url.len());
    let (authority, rest) = url.split_at(end);
    let unescaped = || {
        // A password with a slash that is not escaped: what follows the colon is no port.
        let (host, port) = authority.rsplit_once(':')?;
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        let rest = &rest[..rest.floor_char_boundary(LONGEST_LOOK)];
        let at = rest.rfind('@').filter(|_| !is_port && !host.contains('['));
        Some(end + at?)
    };
    let at = authority.rfind('@').or_else(unescaped)?;
    let is_redacted = url[..at].split(':').all(|part| part == REDACTED);
    (!is_redacted).then_some(start..start + at)
}

/// The query that begins with the mark, of the URL that ends with the text; or its fragment when that has pairs.
fn query(text: &str, mark: usize) -> Option<Range<usize>> {
    let query = text[mark..].trim_end_matches(CLOSING);
    let is_secret = match text.as_bytes()[mark] {
        b'?' => query.len() > 1,
        _ => query
            .split('?')
            .next()
            .is_some_and(|fragment| fragment.contains('=')),
    };
    is_secret.then_some(mark..mark + query.len())
}

/// As much of a text as belongs to the URL that it begins with.
fn url(text: &str) -> &str {
    &text[..text.find(ends_url).unwrap_or(text.len())]
}

fn ends_url(char: char) -> bool {
    char.is_whitespace() || char.is_control() || matches!(char, '"' | '<' | '>' | '`')
}

/// The value of `name=value`, when the name is sensitive.
fn assigned(text: &str, mark: usize) -> Option<Range<usize>> {
    let name = name_before(text[..mark].trim_end_matches(' '));
    if !is_secret(name) {
        return None;
    }
    let start = mark + 1 + blanks(&text[mark + 1..]);
    if is_header(name) {
        return Some(header(text, start, name));
    }
    quoted(text, start).or_else(|| {
        let word = word(&text[start..]);
        // The placeholders of a statement.
        let number = word.strip_prefix('$').unwrap_or("x");
        let is_placeholder = word == "?" || number.bytes().all(|byte| byte.is_ascii_digit());
        (!is_placeholder).then_some(start..start + word.len())
    })
}

/// The value of `name: value`, when the name is sensitive.
fn labelled(text: &str, mark: usize) -> Option<Range<usize>> {
    let name = name_before(&text[..mark]);
    if !is_secret(name) {
        return None;
    }
    let start = mark + 1 + blanks(&text[mark + 1..]);
    if is_header(name) {
        return Some(header(text, start, name));
    }
    quoted(text, start).or_else(|| {
        let rest = &text[start..];
        let last = name.rsplit(|char: char| !char.is_alphanumeric()).next()?;
        let is_loose = LOOSE.iter().any(|loose| last.eq_ignore_ascii_case(loose));
        let begun = word(&rest[..rest.floor_char_boundary(LONGEST_LOOK)]);
        let is_credential = looks_like_a_credential(begun) || begun.contains('@');
        (!is_loose || is_credential).then(|| start..start + word(rest).len())
    })
}

/// The value of a header of credentials or cookies: of the former, what follows the scheme.
fn header(text: &str, start: usize, name: &str) -> Range<usize> {
    if let Some(secret) = quoted(text, start) {
        return secret;
    }
    let value = &text[start..];
    let line = || {
        let line = value.split(['\r', '\n']).next().unwrap_or(value);
        line.trim_end_matches(CLOSING).len()
    };
    if !ends_with(name, "authorization") {
        let end = line();
        let cookies = value[..end].split('"').next().unwrap_or(value);
        return start..start + cookies.trim_end_matches(CLOSING).len();
    }
    let first = header_word(value);
    let second = first.len() + blanks(&value[first.len()..]);
    let rest = &value[second..];
    let credential = header_word(rest);
    let is_scheme = HEADER_SCHEMES
        .iter()
        .any(|scheme| first.eq_ignore_ascii_case(scheme));
    let is_name = first
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let is_two_words = second > first.len()
        && !credential.is_empty()
        && first != REDACTED
        && (is_scheme || is_name);
    let has_parameters = is_two_words
        && credential.find('=').is_some_and(|at| {
            let next = rest[at + 1..].bytes().next();
            next.is_some_and(|next| next == b'"' || next.is_ascii_alphanumeric())
        });
    let end = if has_parameters {
        line()
    } else if is_two_words {
        second + credential.len()
    } else {
        first.len()
    };
    let begin = if is_scheme && end > second { second } else { 0 };
    start + begin..start + end.max(begin)
}

/// The credential after a scheme that is named in prose: `sent bearer eyJhbGciOi`.
fn after_scheme(text: &str, blank: usize) -> Option<Range<usize>> {
    let before = &text[..blank];
    if !SCHEMES.iter().any(|scheme| ends_with(before, scheme)) {
        return None;
    }
    let start = blank + 1;
    let rest = &text[start..];
    let end = rest
        .find(|char: char| !(char.is_ascii_alphanumeric() || "-._~+/=".contains(char)))
        .unwrap_or(rest.len());
    // Equals signs pad a credential; elsewhere they are of a pair.
    let is_pair = rest[..end].trim_end_matches('=').contains('=') || rest.starts_with('=');
    (!is_pair && looks_like_a_credential(&rest[..end])).then_some(start..start + end)
}

fn looks_like_a_credential(word: &str) -> bool {
    word.len() >= SHORTEST_CREDENTIAL
        && word.contains(|char: char| char.is_ascii_digit() || char == '=')
}

/// The name that a text ends with, without its quotes; empty when there is none.
fn name_before(text: &str) -> &str {
    let quote = text
        .chars()
        .next_back()
        .filter(|char| matches!(char, '"' | '\''));
    let text = match quote {
        Some(_) => &text[..text.len() - 1],
        None => text,
    };
    let text = quote.and_then(|_| text.strip_suffix('\\')).unwrap_or(text);
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    let start = text.bytes().rposition(|byte| !is_of_name(byte));
    let (before, name) = text.split_at(start.map_or(0, |at| at + 1));
    match quote {
        Some(quote) if !before.ends_with(quote) => "",
        _ => name,
    }
}

fn is_secret(name: &str) -> bool {
    name.len() > 2 && (is_sensitive(name) || SIGNATURES.contains(&name))
}

fn is_header(name: &str) -> bool {
    ends_with(name, "authorization") || ends_with(name, "cookie")
}

fn ends_with(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|last| last.eq_ignore_ascii_case(end))
}

/// What is in quotes there: `"..."`, `'...'`, `{...}`, `\"...\"`, or one of them in `Some(...)`.
fn quoted(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    let rest = &rest[..rest.floor_char_boundary(LONGEST_LOOK)];
    let inner = rest.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    let start = match inner {
        Some(at) if rest[at..].starts_with('(') => start + at + 1,
        _ => start,
    };
    let rest = &text[start..];
    let (open, close) = [("\\\"", "\\\""), ("\"", "\""), ("'", "'"), ("{", "}")]
        .into_iter()
        .find(|(open, _)| rest.starts_with(open))?;
    let start = start + open.len();
    let value = &text[start..];
    let mut is_escaped = false;
    let mut end = value.len();
    for (at, char) in value.char_indices() {
        if !is_escaped && value[at..].starts_with(close) {
            end = at;
            break;
        }
        is_escaped = char == '\\' && !is_escaped;
    }
    Some(start..start + end)
}

/// The value that begins a text: up to a blank, a semicolon or an ampersand, or the comma before the next pair.
fn word(text: &str) -> &str {
    let end = text
        .find(|char: char| ends_url(char) || matches!(char, ';' | '&'))
        .unwrap_or(text.len());
    let word = &text[..end];
    let next_pair = word.match_indices(',').find(|(at, _)| {
        let next = &word[at + 1..];
        let name = next.find(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        name.is_some_and(|end| end > 0 && next[end..].starts_with(['=', ':']))
    });
    word[..next_pair.map_or(end, |(at, _)| at)].trim_end_matches(CLOSING)
}

/// A word of a header's value.
fn header_word(text: &str) -> &str {
    let end = text.find(|char: char| char.is_whitespace() || matches!(char, ',' | ';' | '"'));
    text[..end.unwrap_or(text.len())].trim_end_matches(CLOSING)
}

/// How many blanks a text begins with.
fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests;
