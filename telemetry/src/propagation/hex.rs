//! Ids as hexadecimal digits.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The digits of a trace id, and of a span id.
pub(super) const TRACE_DIGITS: usize = 32;
pub(super) const SPAN_DIGITS: usize = 16;

/// Whose digits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// `0-9a-f` alone, as W3C and B3 have it.
    Lower,
    /// `A-F` too.
    Any,
}

/// The number that `digits` are; none when there are none, more than fit, or others.
pub(super) fn number(digits: &[u8], case: Case) -> Option<u128> {
    if digits.is_empty() || digits.len() > TRACE_DIGITS {
        return None;
    }
    digits.iter().try_fold(0, |number: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' if case == Case::Any => digit - b'A' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// A trace id of up to 32 digits; never zero.
pub(super) fn trace_id(digits: &[u8], case: Case) -> Option<TraceId> {
    let id = TraceId::from(number(digits, case)?);
    (id != TraceId::INVALID).then_some(id)
}

/// A span id of up to 16 digits; never zero.
pub(super) fn span_id(digits: &[u8], case: Case) -> Option<SpanId> {
    let number = u64::try_from(number(digits, case)?).ok()?;
    let id = SpanId::from(number);
    (digits.len() <= SPAN_DIGITS && id != SpanId::INVALID).then_some(id)
}

/// The span of the caller.
pub(super) fn remote(trace: TraceId, span: SpanId, flags: TraceFlags) -> SpanContext {
    SpanContext::new(trace, span, flags, true, TraceState::NONE)
}

/// Writes `bytes` as digits to the beginning of `out` and returns what is left of it.
pub(super) fn write<'a>(out: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (digits, rest) = out.split_at_mut(bytes.len() * 2);
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_between_one_and_32_digits_of_the_case() {
        assert_eq!(number(b"", Case::Lower), None);
        assert_eq!(number(b"0aF", Case::Lower), None);
        assert_eq!(number(b"0aF", Case::Any), Some(0xaf));
        assert_eq!(number(&[b'f'; 32], Case::Lower), Some(u128::MAX));
        assert_eq!(number(&[b'0'; 33], Case::Lower), None);
        assert_eq!(number("é".as_bytes(), Case::Any), None);
    }

    #[test]
    fn an_id_is_never_zero_and_a_span_id_has_at_most_16_digits() {
        assert_eq!(trace_id(&[b'0'; 32], Case::Lower), None);
        assert_eq!(span_id(&[b'0'; 16], Case::Lower), None);
        assert_eq!(span_id(b"00000000000000001", Case::Lower), None);
        assert_eq!(span_id(b"1", Case::Lower), Some(SpanId::from(1)));
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut out = [b'.'; 6];
        let rest = write(&mut out, &[0x0f, 0xa0]);
        assert_eq!(rest, b"..");
        assert_eq!(&out, b"0fa0..");
    }
}
