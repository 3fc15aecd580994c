//! What travels with a trace in the `tracestate`: the member `bidtrace`.
//!
//! Its value is a list of `k` (the trace is kept) and `t` with a hexadecimal second (when a trace from elsewhere was
//! first seen here), separated by `;`. What else is in the list is left out of account, so that it can grow.

use opentelemetry::trace::{SpanContext, TraceState};

/// The member's key.
const KEY: &str = "bidtrace";

/// What the member says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// The collector keeps the trace.
    pub(super) kept: bool,
    /// The second in which the trace was first seen here, when its id does not say.
    pub(super) seen: Option<u32>,
}

impl Mark {
    pub(super) fn of(span: &SpanContext) -> Self {
        span.trace_state()
            .get(KEY)
            .map_or_else(Self::default, Self::read)
    }

    /// The state with this mark in it, in front, as W3C Trace Context 3.5 has it for what was changed.
    pub(super) fn put_into(self, state: &TraceState) -> TraceState {
        // Neither the key nor the value can be wrong.
        state
            .insert(KEY, self.text())
            .unwrap_or_else(|_| state.clone())
    }

    fn read(text: &str) -> Self {
        let mut mark = Self::default();
        for part in text.split(';') {
            match part.split_at_checked(1) {
                Some(("k", "")) => mark.kept = true,
                Some(("t", second)) => mark.seen = u32::from_str_radix(second, 16).ok(),
                _ => {}
            }
        }
        mark
    }

    fn text(self) -> String {
        match (self.kept, self.seen) {
            (true, None) => "k".to_owned(),
            (true, Some(second)) => format!("k;t{second:x}"),
            (false, Some(second)) => format!("t{second:x}"),
            (false, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_changed_member_is_the_first_of_at_most_thirty_two() {
        let members: Vec<(String, &str)> = (0..32).map(|i| (format!("v{i}"), "x")).collect();
        let full = TraceState::from_key_value(members).unwrap();
        let kept = Mark {
            kept: true,
            seen: None,
        };
        let header = kept.put_into(&full).header();
        assert!(header.starts_with("bidtrace=k,v0=x,"), "{header}");
        assert_eq!(header.split(',').count(), 32);
        let again = kept.put_into(&"a=1,bidtrace=t1,b=2".parse().unwrap());
        assert_eq!(again.header(), "bidtrace=k,a=1,b=2");
    }

    proptest! {
        #[test]
        fn a_mark_is_read_as_it_was_written(kept: bool, seen: Option<u32>) {
            let mark = Mark { kept, seen };
            prop_assert_eq!(Mark::read(&mark.text()), mark);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,40}") {
            let mark = Mark::read(&text);
            prop_assert!(!mark.kept || text.contains('k'));
        }
    }
}
