//! Trace ids that say when their trace began.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::now;

/// Maximum age that an id is trusted to tell. One random id in some 1,600 looks as if it had a time within it, and one in
/// hundreds of millions looks new.
const BELIEVED: u32 = 30 * 24 * 60 * 60;

/// Generates trace ids that contain their age: the second in which the trace began, then twelve random bytes. The last
/// seven are random, as the `random` flag of W3C Trace Context, level 2, requires.
#[derive(Debug, Default)]
pub(crate) struct DatedIds(RandomIdGenerator);

impl IdGenerator for DatedIds {
    fn new_trace_id(&self) -> TraceId {
        let mut bytes = self.0.new_trace_id().to_bytes();
        bytes[..4].copy_from_slice(&now().to_be_bytes());
        TraceId::from_bytes(bytes)
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// How many seconds ago the trace began. None when its id does not contain that.
pub(super) fn age(trace_id: TraceId, now: u32) -> Option<u32> {
    let [a, b, c, d, ..] = trace_id.to_bytes();
    super::age(u32::from_be_bytes([a, b, c, d]), now).filter(|age| *age <= BELIEVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_its_trace_began_and_is_random_otherwise() {
        let ids = DatedIds::default();
        let (one, other) = (ids.new_trace_id(), ids.new_trace_id());
        let then = now();
        assert!(age(one, then).is_some_and(|age| age <= 1));
        assert_eq!(age(one, then + 60).map(|age| age / 10), Some(6));
        assert_ne!(one.to_bytes()[4..], other.to_bytes()[4..]);
    }

    #[test]
    fn a_random_id_says_nothing() {
        for id in [
            0,
            0xffff_ffff << 96,
            0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
        ] {
            assert_eq!(age(TraceId::from(id), now()), None, "{id:x}");
        }
    }
}
