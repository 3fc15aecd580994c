//! Tokens of HTTP (RFC 9110, 5.6.2): the keys of baggage are such.

/// Whether `text` is a token.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let is_char = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_char)
}
