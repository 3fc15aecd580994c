//! Sampling a share of all traces by their ids, so that services with the same share agree on each trace.

use opentelemetry::trace::TraceId;

/// A share of the traces, chosen by their ids as the SDKs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ratio {
    /// The id's last 63 random bits are sampled when they are below this.
    below: u64,
}

const ALL: u64 = 1 << 63;

impl Ratio {
    /// From 0 to 1. Numbers outside are clamped, and NaN is 0.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )] // Within 0 to 2^63.
    pub(super) fn new(share: f64) -> Self {
        Self {
            below: (share.clamp(0.0, 1.0) * ALL as f64) as u64,
        }
    }

    pub(super) fn samples(self, trace_id: TraceId) -> bool {
        let random = u128::from_be_bytes(trace_id.to_bytes()) & u128::from(u64::MAX);
        random >> 1 < u128::from(self.below)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::SpanKind;
    use opentelemetry_sdk::trace::{
        IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample,
    };

    use super::*;

    #[test]
    fn it_decides_every_trace_as_the_sdk_does() {
        let ids = RandomIdGenerator::default();
        for share in [0.0, 0.001, 0.3, 0.5, 0.999, 1.0, -1.0, 7.0] {
            let (ours, sdk) = (Ratio::new(share), Sampler::TraceIdRatioBased(share));
            for _ in 0..1000 {
                let id = ids.new_trace_id();
                let result =
                    sdk.should_sample(Some(&Context::new()), id, "", &SpanKind::Internal, &[], &[]);
                let sampled = result.decision == SamplingDecision::RecordAndSample;
                assert_eq!(ours.samples(id), sampled, "{share}: {id}");
            }
        }
    }

    #[test]
    fn no_number_samples_nothing() {
        assert!(!Ratio::new(f64::NAN).samples(TraceId::from(1)));
    }
}
