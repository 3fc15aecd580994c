//! Addresses of servers, as the conventions have them.

/// `server.address` of the host of a URI or a `Host` header, which has an IPv6 address in brackets.
pub(crate) fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
