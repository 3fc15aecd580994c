//! Percent-encoding (RFC 3986, 2.1), as baggage and Jaeger's headers have it.

use std::borrow::Cow;

/// The decoded bytes. A `%` without two hexadecimal digits after it is kept.
pub(super) fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let byte = (*first == b'%').then(|| escaped(tail)).flatten();
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(bytes)
}

/// Appends `value`. Every byte for which `plain` is false becomes `%XX`.
pub(super) fn encode(text: &mut String, value: &str, plain: impl Fn(u8) -> bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii() && byte != b'%' && plain(byte) {
            text.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
            text.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
        }
    }
}

fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (high, low) = (text.first().and_then(digit)?, text.get(1).and_then(digit)?);
    u8::try_from(high << 4 | low).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percent_sign_without_two_digits_stands_for_itself() {
        assert_eq!(decode(b"100%"), b"100%".as_slice());
        assert_eq!(decode(b"%4"), b"%4".as_slice());
        assert_eq!(decode(b"%zz%41%6a"), b"%zzAj".as_slice());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_what_is_decoded(value in any::<String>()) {
            let mut text = String::new();
            encode(&mut text, &value, |byte| byte.is_ascii_alphanumeric());
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(decode(text.as_bytes()), value.as_bytes());
        }

        #[test]
        fn decoding_never_makes_it_longer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode(&bytes).len() <= bytes.len());
        }
    }
}
