//! Parsers for the value types of the specification (Configuration, environment variables).

use std::time::Duration;

use super::variable::{Parsed, Unfit};

/// The largest integer that the specification asks for.
const LARGEST: u32 = i32::MAX as u32;

/// The duration used for a time-out of zero, which means no limit.
const NO_LIMIT: Duration = Duration::from_millis(u32::MAX as u64);

pub(super) const BOOLEAN: &str = "true or false";
pub(super) const MILLISECONDS: &str = "a whole number of milliseconds, 0 or more";
pub(super) const TIMEOUT: &str = "a whole number of milliseconds, 0 for no limit";
pub(super) const POSITIVE: &str = "a whole number from 1 to 2147483647";
pub(super) const COUNT: &str = "a whole number from 0 to 2147483647";

/// `true` or `false`, in any case; anything else is rejected, and the default of every such variable is `false`.
pub(super) fn boolean(value: &str) -> Parsed<bool> {
    one_of(value, &[("true", true), ("false", false)])
}

/// One of these names, case-insensitively.
pub(super) fn one_of<T: Copy>(value: &str, names: &[(&str, T)]) -> Parsed<T> {
    names
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(value))
        .map(|(_, meaning)| *meaning)
        .ok_or(Unfit::Form)
}

pub(super) fn count(value: &str) -> Parsed<u32> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|number| digits && *number <= LARGEST)
        .ok_or(Unfit::Form)
}

pub(super) fn positive(value: &str) -> Parsed<usize> {
    match count(value)? {
        0 => Err(Unfit::Form),
        number => usize::try_from(number).map_err(|_| Unfit::Form),
    }
}

pub(super) fn length(value: &str) -> Parsed<usize> {
    usize::try_from(count(value)?).map_err(|_| Unfit::Form)
}

pub(super) fn milliseconds(value: &str) -> Parsed<Duration> {
    Ok(Duration::from_millis(count(value)?.into()))
}

pub(super) fn timeout(value: &str) -> Parsed<Duration> {
    let given = milliseconds(value)?;
    Ok(if given.is_zero() { NO_LIMIT } else { given })
}

/// A number from 0 to 1.
pub(super) fn share(value: &str) -> Parsed<f64> {
    value
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or(Unfit::Form)
}

#[allow(clippy::unnecessary_wraps)] // It stands where other parsers do.
pub(super) fn text(value: &str) -> Parsed<String> {
    Ok(value.to_owned())
}

/// The content of a file.
pub(super) fn file(path: &str) -> Parsed<Vec<u8>> {
    std::fs::read(path).map_err(|error| Unfit::Because(error.to_string()))
}

/// A list like W3C Baggage without metadata, `a=1,b=2`, with percent-decoded values. One invalid member invalidates the
/// list; empty members (a trailing comma) are skipped.
pub(super) fn pairs(value: &str) -> Parsed<Vec<(String, String)>> {
    value
        .split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(|member| {
            let (name, value) = member.split_once('=').ok_or(Unfit::Form)?;
            let name = percent_decoded(name.trim())?;
            if name.is_empty() || value.contains([';', '"', '\\']) {
                return Err(Unfit::Form);
            }
            Ok((name, percent_decoded(value.trim())?))
        })
        .collect()
}

fn percent_decoded(text: &str) -> Parsed<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let code = digit().zip(digit()).map(|(high, low)| high * 16 + low);
            bytes.push(
                code.and_then(|code| code.try_into().ok())
                    .ok_or(Unfit::Form)?,
            );
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| Unfit::Form)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn only_true_is_true_in_any_case() {
        for value in ["true", "True", "TRUE"] {
            assert_eq!(boolean(value), Ok(true));
        }
        assert_eq!(boolean("False"), Ok(false));
        for value in ["1", "yes", "on", "t", "0"] {
            assert_eq!(boolean(value), Err(Unfit::Form), "{value}");
        }
    }

    #[test]
    fn numbers_that_are_negative_broken_or_too_large_are_refused() {
        for value in ["-1", "+1", "1.5", "1e3", "ten", "2147483648", "0x10", "1 "] {
            assert_eq!(count(value), Err(Unfit::Form), "{value}");
            assert_eq!(milliseconds(value), Err(Unfit::Form), "{value}");
            assert_eq!(timeout(value), Err(Unfit::Form), "{value}");
            assert_eq!(positive(value), Err(Unfit::Form), "{value}");
        }
        assert_eq!(count("2147483647"), Ok(2_147_483_647));
        assert_eq!(count("0"), Ok(0));
        assert_eq!(positive("0"), Err(Unfit::Form));
        assert_eq!(milliseconds("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn a_time_out_of_zero_is_no_limit() {
        assert_eq!(timeout("0"), Ok(NO_LIMIT));
        assert_eq!(timeout("12000"), Ok(Duration::from_secs(12)));
    }

    #[test]
    fn a_share_is_between_none_and_all() {
        assert_eq!(share("0.25"), Ok(0.25));
        assert_eq!(share("1"), Ok(1.0));
        for value in ["-0.1", "1.01", "25%", "NaN", "inf"] {
            assert_eq!(share(value), Err(Unfit::Form), "{value}");
        }
    }

    #[test]
    fn pairs_are_decoded_and_empty_members_skipped() {
        let read = pairs("a=1, b%20c = x%2Cy%3D%C3%A9 ,,d=,").unwrap();
        assert_eq!(read, [pair("a", "1"), pair("b c", "x,y=é"), pair("d", "")]);
    }

    #[test]
    fn one_bad_member_spoils_the_list() {
        for value in [
            "a=1,b", "a=1,=2", "a=1;p=2", "a=%4", "a=%zz", "a=%ff", "a=\"b\"",
        ] {
            assert_eq!(pairs(value), Err(Unfit::Form), "{value}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_read_back(
            list in prop::collection::vec(("\\PC{1,10}", "\\PC{0,10}"), 0..5)
        ) {
            let encoded = |text: &str| {
                text.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"))
            };
            let text: Vec<_> = list
                .iter()
                .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
                .collect();
            prop_assert_eq!(pairs(&text.join(",")), Ok(list));
        }

        #[test]
        fn nothing_that_is_given_makes_a_parser_panic(value in "\\PC{0,40}|[a-z0-9%=,;. ]{0,40}") {
            let _ = pairs(&value);
            let _ = count(&value);
            let _ = share(&value);
        }
    }
}
