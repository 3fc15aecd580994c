//! A number as the value of a label, without an allocation.

/// A whole number as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    digits: [u8; Self::LENGTH],
    start: usize,
}

// === impl Decimal ===

impl Decimal {
    /// The digits of `i64::MIN`, and its sign.
    const LENGTH: usize = 20;

    /// No number: the empty text.
    pub(super) const NONE: Self = Self {
        digits: [0; Self::LENGTH],
        start: Self::LENGTH,
    };

    /// The text of a number.
    pub(super) fn of(number: i64) -> Self {
        let mut text = Self::NONE;
        let mut rest = number.unsigned_abs();
        loop {
            // A remainder of ten is one digit.
            text.push(b'0' + u8::try_from(rest % 10).unwrap_or_default());
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            text.push(b'-');
        }
        text
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[self.start..]).unwrap_or_default()
    }

    fn push(&mut self, letter: u8) {
        self.start -= 1;
        self.digits[self.start] = letter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_text_that_it_prints_as() {
        for number in [0, 7, 10, 404, -1, 65_535, i64::MAX, i64::MIN] {
            assert_eq!(Decimal::of(number).as_str(), number.to_string());
        }
        assert_eq!(Decimal::NONE.as_str(), "");
    }
}
