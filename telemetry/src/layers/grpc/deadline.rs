//! The deadline of a call: what `grpc-timeout` tells, kept for the calls that are made on its behalf.

use std::future::Future;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::FutureExt;
use tokio::time::Instant;

use crate::layers::headers;
use crate::trace::context::detached::SetAt;

/// The header, or metadata, that carries the budget of a call.
static GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A cancellation this shortly before the deadline counts as the deadline's: the caller's clock started before ours, by the
/// time that the request was on its way. That time is unknown, so a small part of the budget is assumed, and a few
/// milliseconds for the resolution of timers.
const TOLERANCE: (u32, Duration) = (50, Duration::from_millis(5));

/// Maximum number of digits of a timeout, by the protocol.
const MAX_DIGITS: u32 = 8;

/// When a call must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Deadline {
    at: Instant,
    tolerance: Duration,
}

/// The deadline of the call that is being served, in an OpenTelemetry context.
#[derive(Debug, Clone, Copy)]
struct Served {
    deadline: Deadline,
    set_at: SetAt,
}

/// What is left of the budget of the call that is being served; nothing when it has no deadline.
pub fn remaining() -> Option<Duration> {
    Deadline::current().map(Deadline::remaining)
}

/// Runs `future` with a budget for all that it calls, unless there is one that ends sooner.
///
/// For work that no call has caused: a consumer of messages, a saga's step. It bounds the calls, not the future.
pub async fn within<F: Future>(budget: Duration, future: F) -> F::Output {
    let deadline = Deadline::after(budget).min_with(Deadline::current());
    future
        .with_context(store(deadline, Context::current()))
        .await
}

/// Keeps the deadline of the call that is being served for all that `future` calls, also in a task of its own, which is
/// otherwise bound by none. It bounds the calls, not the future.
///
/// ```
/// use telemetry::{context, grpc};
///
/// # async fn ask_the_others() {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // For work whose result is needed before the call is answered.
/// let asked = context::spawn(grpc::keep_deadline(ask_the_others()));
/// # asked.await.unwrap();
/// # }
/// ```
pub fn keep_deadline<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let deadline = Deadline::current();
    async move {
        future
            .with_context(store(deadline, Context::current()))
            .await
    }
}

/// `context`, with the deadline when there is one.
pub(super) fn store(deadline: Option<Deadline>, context: Context) -> Context {
    match deadline {
        Some(deadline) => context.with_value(Served {
            deadline,
            set_at: SetAt::now(),
        }),
        None => context,
    }
}

trait Soonest {
    fn min_with(self, other: Self) -> Self;
}

impl Soonest for Option<Deadline> {
    /// The sooner one, or the only one.
    fn min_with(self, other: Self) -> Self {
        self.into_iter().chain(other).min()
    }
}

// === impl Deadline ===

impl Deadline {
    /// The deadline of a call that is being served. A budget too large for a clock is none.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let told = headers::first(headers, &GRPC_TIMEOUT)?;
        Self::after(parse(told.to_str().ok()?)?)
    }

    /// The deadline of a call that is about to be made, which is told in its headers: its own, or `default`, or
    /// that of the call on whose behalf it is made, whichever is soonest.
    pub(super) fn send(headers: &mut HeaderMap, default: Option<Duration>) -> Option<Self> {
        let own = Self::read(headers).or_else(|| Self::after(default?));
        let deadline = own.min_with(Self::current())?;
        if let Ok(budget) = HeaderValue::try_from(text(deadline.remaining())) {
            headers.insert(&GRPC_TIMEOUT, budget);
        }
        Some(deadline)
    }

    pub(super) fn at(self) -> Instant {
        self.at
    }

    /// Whether the deadline has passed: a cancellation is then reported as `DEADLINE_EXCEEDED`.
    pub(super) fn has_passed(self) -> bool {
        Instant::now() + self.tolerance >= self.at
    }

    fn current() -> Option<Self> {
        let served = Context::map_current(|context| context.get::<Served>().copied())?;
        served.set_at.holds().then_some(served.deadline)
    }

    fn after(budget: Duration) -> Option<Self> {
        let (part, least) = TOLERANCE;
        Some(Self {
            at: Instant::now().checked_add(budget)?,
            tolerance: budget / part + least,
        })
    }

    fn remaining(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

/// At most eight digits and a unit, as the protocol of gRPC over HTTP/2 has it.
fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty()
        || digits.len() > MAX_DIGITS as usize
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
    {
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

/// The budget in the finest unit that has room for it, rounded down: the server's clock starts after ours.
fn text(budget: Duration) -> String {
    const TOO_MUCH: u128 = 10_u128.pow(MAX_DIGITS);
    let units = [
        (budget.as_micros(), "u"),
        (budget.as_millis(), "m"),
        (u128::from(budget.as_secs()), "S"),
    ];
    let fitting = units.iter().find(|(amount, _)| *amount < TOO_MUCH);
    match fitting {
        Some((amount, unit)) => format!("{amount}{unit}"),
        None => format!("{}S", TOO_MUCH - 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn a_budget_is_written_in_the_finest_unit_that_has_room() {
        for (budget, written) in [
            (Duration::ZERO, "0u"),
            (Duration::from_millis(250), "250000u"),
            (Duration::from_mins(2), "120000m"),
            (Duration::from_hours(48), "172800S"),
            (Duration::MAX, "99999999S"),
        ] {
            assert_eq!(text(budget), written);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(value in "\\PC*") {
            let _ = parse(&value);
        }

        #[test]
        fn a_budget_that_was_sent_is_never_read_as_more(nanoseconds in 0..99_999_999_000_000_000_u64) {
            let budget = Duration::from_nanos(nanoseconds);
            let read = parse(&text(budget)).unwrap();
            prop_assert!(read <= budget);
            prop_assert!(budget <= read + budget / 10_000 + Duration::from_micros(1));
        }
    }

    #[tokio::test]
    async fn a_budget_within_another_is_the_one_that_ends_sooner() {
        let (short, long) = (Duration::from_hours(1), Duration::from_hours(9));
        let about_an_hour = Duration::from_mins(50)..=short;
        assert_eq!(remaining(), None);
        let seen = within(short, within(long, async { remaining() })).await;
        assert!(about_an_hour.contains(&seen.unwrap()), "{seen:?}");
        let seen = within(long, within(short, async { remaining() })).await;
        assert!(about_an_hour.contains(&seen.unwrap()), "{seen:?}");
        assert_eq!(remaining(), None);
    }
}
