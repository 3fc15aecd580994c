//! Ids as hexadecimal digits.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The digits of a trace id, and of a span id.
pub(super) const TRACE_DIGITS: usize = 32;
pub(super) const SPAN_DIGITS: usize = 16;

/// Which digits are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// `0-9a-f` alone, as W3C and B3 have it.
    Lower,
    /// `A-F` too.
    Any,
}

/// The number in `digits`. None when they are empty, too many, or contain another character.
#[inline]
pub(super) fn number(digits: &[u8], case: Case) -> Option<u128> {
    if digits.is_empty() || digits.len() > TRACE_DIGITS {
        return None;
    }
    let (eights, rest) = digits.as_chunks();
    let mut number = 0;
    for eight in eights {
        number = number << 32 | u128::from(eight_digits(*eight, case)?);
    }
    for digit in rest {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' if case == Case::Any => digit - b'A' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    Some(number)
}

/// A trace id of up to 32 digits; never zero.
#[inline]
pub(super) fn trace_id(digits: &[u8], case: Case) -> Option<TraceId> {
    let id = TraceId::from(number(digits, case)?);
    (id != TraceId::INVALID).then_some(id)
}

/// A span id of up to 16 digits; never zero.
#[inline]
pub(super) fn span_id(digits: &[u8], case: Case) -> Option<SpanId> {
    let number = u64::try_from(number(digits, case)?).ok()?;
    let id = SpanId::from(number);
    (digits.len() <= SPAN_DIGITS && id != SpanId::INVALID).then_some(id)
}

/// A remote span.
pub(super) fn remote(trace: TraceId, span: SpanId, flags: TraceFlags) -> SpanContext {
    SpanContext::new(trace, span, flags, true, TraceState::NONE)
}

/// Writes `bytes` as digits to the beginning of `out` and returns what is left of it.
#[inline]
pub(super) fn write<'a>(out: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (digits, rest) = out.split_at_mut(bytes.len() * 2);
    let (fours, ones) = bytes.as_chunks::<4>();
    let (eights, pairs) = digits.split_at_mut(fours.len() * 8);
    for (eight, four) in eights.chunks_exact_mut(8).zip(fours) {
        eight.copy_from_slice(&digits_of(u32::from_be_bytes(*four)));
    }
    for (pair, one) in pairs.chunks_exact_mut(2).zip(ones) {
        pair.copy_from_slice(&digits_of(u32::from(*one))[6..]);
    }
    rest
}

/// The same in each byte of a word.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// What lies between the letter of ten and the character that follows nine.
const LETTERS: u64 = (b'a' - b'9' - 1) as u64;

/// The digits of numbers below 16, one in each byte.
fn characters(numbers: u64) -> u64 {
    let above_nine = ((numbers + each(6)) >> 4) & each(1);
    numbers + each(b'0') + above_nine * LETTERS
}

/// The number that eight digits are, all of them at once: each byte becomes a number as if it were a digit, and if it was
/// one, that number has it as its digit.
fn eight_digits(digits: [u8; 8], case: Case) -> Option<u32> {
    const LETTER: u64 = each(0x40);
    let mut text = u64::from_be_bytes(digits);
    if case == Case::Any {
        text |= (text & LETTER) >> 1;
    }
    let numbers = (text & each(0x0f)) + ((text & LETTER) >> 6) * 9;
    if characters(numbers) != text || numbers & each(0x10) != 0 {
        return None;
    }
    let pairs = (numbers | numbers >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    u32::try_from((fours | fours >> 16) & 0xffff_ffff).ok()
}

/// The opposite.
fn digits_of(number: u32) -> [u8; 8] {
    let number = u64::from(number);
    let fours = (number | number << 16) & 0x0000_ffff_0000_ffff;
    let pairs = (fours | fours << 8) & 0x00ff_00ff_00ff_00ff;
    characters((pairs | pairs << 4) & each(0x0f)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Digit by digit.
    fn read(digits: &[u8], case: Case) -> Option<u128> {
        let is_digit = |digit: &u8| match case {
            Case::Lower => matches!(digit, b'0'..=b'9' | b'a'..=b'f'),
            Case::Any => digit.is_ascii_hexdigit(),
        };
        let digits = std::str::from_utf8(digits).ok()?;
        let valid = digits.bytes().all(|digit| is_digit(&digit));
        valid
            .then(|| u128::from_str_radix(digits, 16).ok())
            .flatten()
    }

    #[test]
    fn one_byte_that_is_no_digit_is_found_wherever_it_is() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut digits = *b"0123456789abcdef9f0a";
                digits[at] = byte;
                for case in [Case::Lower, Case::Any] {
                    let expected = read(&digits, case);
                    assert_eq!(number(&digits, case), expected, "{byte} at {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_digit_by_digit(digits in "[0-9a-fA-Fg@`]{1,32}|[0-9a-f]{1,33}") {
            for case in [Case::Lower, Case::Any] {
                let expected = read(digits.as_bytes(), case).filter(|_| digits.len() <= TRACE_DIGITS);
                prop_assert_eq!(number(digits.as_bytes(), case), expected);
            }
        }

        #[test]
        fn bytes_are_written_as_they_print(bytes in prop::collection::vec(any::<u8>(), 0..17)) {
            let mut out = [0; 34];
            let rest = write(&mut out, &bytes).len();
            let text = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            prop_assert_eq!(&out[..34 - rest], text.as_bytes());
        }
    }

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
