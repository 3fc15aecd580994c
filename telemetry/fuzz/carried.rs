//! What must hold of the context of a request, whatever its headers are.

use http::{HeaderMap, HeaderName, HeaderValue};
use telemetry::context::SavedContext;

/// Checks it for a request with these lines as headers, `name: value`.
///
/// # Panics
///
/// When it does not hold.
pub fn check(data: &[u8]) {
    let saved = SavedContext::from_headers(&headers(data));
    if let Some(span) = saved.span_context() {
        assert!(span.is_valid() && span.is_remote());
        assert!(span.trace_state().into_iter().len() <= 32);
    }
    let sent = sent(&saved);
    let bytes: usize = sent.values().map(HeaderValue::len).sum();
    assert!(bytes <= 2 * 8192 + 1024, "{bytes} bytes are sent");
    assert_eq!(self::sent(&SavedContext::from_headers(&sent)), sent);
    check_text(&saved.to_text());
    if let Ok(text) = std::str::from_utf8(data) {
        check_text(&SavedContext::from_text(text).to_text());
    }
}

fn check_text(text: &str) {
    assert!(text.len() <= 10_000, "{} bytes are kept", text.len());
    assert_eq!(SavedContext::from_text(text).to_text(), text);
}

fn sent(context: &SavedContext) -> HeaderMap {
    let mut headers = HeaderMap::new();
    context.to_headers(&mut headers);
    headers
}

fn headers(data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) {
            headers.append(name, value);
        }
    }
    headers
}
