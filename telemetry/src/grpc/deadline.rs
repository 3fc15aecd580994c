//! The deadline of a call, as `grpc-timeout` tells it.

use std::time::{Duration, Instant};

use http::HeaderMap;

/// Timers fire to the millisecond, and the transport's has started a little before ours.
const TOLERANCE: Duration = Duration::from_millis(2);

/// When a call must have ended, if its caller has said so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let budget = headers
            .get("grpc-timeout")
            .and_then(|value| parse(value.to_str().ok()?));
        Self(budget.and_then(|budget| Instant::now().checked_add(budget)))
    }

    /// Whether a call that is given up now is given up for its deadline.
    pub(super) fn has_passed(self) -> bool {
        self.0
            .is_some_and(|deadline| Instant::now() + TOLERANCE >= deadline)
    }
}

/// At most eight digits and a unit, as the protocol of gRPC over HTTP/2 has it.
fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount = digits.parse::<u64>().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_in_all_its_units_and_nothing_else_is() {
        assert_eq!(parse("2H"), Some(Duration::from_hours(2)));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for wrong in [
            "",
            "m",
            "5",
            "+5m",
            "-1S",
            "123456789S",
            "5x",
            "5\u{b5}",
            "\u{b5}",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
