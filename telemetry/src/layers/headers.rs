//! What the headers of a request or a response say.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// So many headers are looked through more quickly than one is looked up, whose name must be hashed for that.
const FEW: usize = 6;

/// The first line of a header.
#[inline]
pub(crate) fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    if headers.len() > FEW {
        return headers.get(name);
    }
    let mut named = headers.iter().filter(|header| header.0 == name);
    named.next().map(|(_, value)| value)
}

/// The length of the body, when it is told.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    first(headers, &header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// The host of an authority without the brackets that an IPv6 address has there.
pub(crate) fn bare_host(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_header_is_found_among_few_and_among_many() {
        let mut headers = HeaderMap::new();
        for count in 0..3 * FEW {
            let expected = (count > 2).then_some("2");
            let found = first(&headers, &header::CONTENT_LENGTH);
            assert_eq!(found.map(|line| line.to_str().unwrap()), expected);
            assert_eq!(content_length(&headers), (count > 2).then_some(2));
            if count == 2 || count % 4 == 3 {
                headers.append(header::CONTENT_LENGTH, HeaderValue::from(count));
            } else {
                let name = HeaderName::try_from(format!("x-{count}")).unwrap();
                headers.insert(name, HeaderValue::from(count));
            }
        }
    }
}
