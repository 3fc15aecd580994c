//! What this crate passes on with a trace: its own member of `tracestate`.
//!
//! The member's key is the vendor's name ([`Settings::vendor`](crate::settings::Settings)). Its value is a list,
//! separated by `;`, of `k` (the trace is kept) and `t` with a second since 1970 in hexadecimal (when this vendor's
//! services first saw a trace that began elsewhere). Unknown items are ignored, so that more can be added.

use opentelemetry::trace::{SpanContext, TraceState};

/// The value of the member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// The collector keeps the trace.
    pub(super) kept: bool,
    /// When the trace was first seen here, if its id does not contain its age.
    pub(super) seen: Option<u32>,
}

impl Mark {
    /// The mark of a span's trace.
    pub(super) fn of(span: &SpanContext, vendor: &str) -> Self {
        let member = span.trace_state().get(vendor);
        member.map_or_else(Self::default, Self::read)
    }

    /// The state with this mark as its first member, since that is where a changed member goes (W3C Trace Context, 3.5).
    pub(super) fn put_into(self, state: &TraceState, vendor: &'static str) -> TraceState {
        // Vendors are checked when the settings are read, and values are valid.
        state
            .insert(vendor, self.text())
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
        let header = kept.put_into(&full, "shop").header();
        assert!(header.starts_with("shop=k,v0=x,"), "{header}");
        assert_eq!(header.split(',').count(), 32);
        let again = kept.put_into(&"a=1,shop=t1,b=2".parse().unwrap(), "shop");
        assert_eq!(again.header(), "shop=k,a=1,b=2");
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
