//! The messages of Jaeger's remote sampling (`jaeger.api_v2.SamplingManager`), both as protobuf and as the JSON that is
//! served over HTTP.

use std::fmt;

use serde::Deserialize;

use super::client::FetchError;
use crate::trace::sampling::bucket::Bucket;
use crate::trace::sampling::ratio::Ratio;
use crate::trace::sampling::strategy::{PerOperation, Strategy};

/// The path of the gRPC method.
pub(super) const METHOD: &str = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";

/// The request: whose strategy is fetched.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StrategyParameters {
    #[prost(string, tag = "1")]
    pub(super) service_name: String,
}

/// The response: the first present one of per operation, rate limiting and probabilistic is the strategy. Field 1 names its
/// kind for older clients, and is redundant.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // Jaeger's.
pub(super) struct StrategyResponse {
    #[prost(message, optional, tag = "2")]
    pub(super) probabilistic_sampling: Option<Probabilistic>,
    #[prost(message, optional, tag = "3")]
    pub(super) rate_limiting_sampling: Option<RateLimiting>,
    #[prost(message, optional, tag = "4")]
    pub(super) operation_sampling: Option<PerOperations>,
}

#[derive(Clone, Copy, PartialEq, prost::Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Probabilistic {
    #[prost(double, tag = "1")]
    pub(super) sampling_rate: f64,
}

#[derive(Clone, Copy, PartialEq, prost::Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RateLimiting {
    #[prost(int32, tag = "1")]
    pub(super) max_traces_per_second: i32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PerOperations {
    #[prost(double, tag = "1")]
    pub(super) default_sampling_probability: f64,
    #[prost(double, tag = "2")]
    pub(super) default_lower_bound_traces_per_second: f64,
    #[prost(message, repeated, tag = "3")]
    pub(super) per_operation_strategies: Vec<OneOperation>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OneOperation {
    #[prost(string, tag = "1")]
    pub(super) operation: String,
    #[prost(message, optional, tag = "2")]
    pub(super) probabilistic_sampling: Option<Probabilistic>,
}

// === impl StrategyResponse ===

impl StrategyResponse {
    pub(super) fn to_strategy(&self) -> Result<Strategy, FetchError> {
        if let Some(operations) = &self.operation_sampling {
            let others = operations.default_sampling_probability;
            let named = operations.per_operation_strategies.iter().map(|one| {
                let share = one
                    .probabilistic_sampling
                    .map_or(others, |of| of.sampling_rate);
                (one.operation.clone(), share)
            });
            let minimum = operations.default_lower_bound_traces_per_second;
            Ok(Strategy::PerOperation(PerOperation::new(
                named, others, minimum,
            )))
        } else if let Some(limit) = self.rate_limiting_sampling {
            let limit = f64::from(limit.max_traces_per_second);
            Ok(Strategy::RateLimiting(Bucket::new(limit)))
        } else if let Some(of) = self.probabilistic_sampling {
            Ok(Strategy::Probabilistic(Ratio::new(of.sampling_rate)))
        } else {
            Err(FetchError::Unreadable("it names no strategy".to_owned()))
        }
    }
}

impl fmt::Display for StrategyResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operations) = &self.operation_sampling {
            let named = operations.per_operation_strategies.len();
            let others = operations.default_sampling_probability;
            write!(
                f,
                "{named} operations by their names, {others} of all others"
            )
        } else if let Some(limit) = self.rate_limiting_sampling {
            write!(f, "{} traces a second", limit.max_traces_per_second)
        } else if let Some(of) = self.probabilistic_sampling {
            write!(f, "{} of all traces", of.sampling_rate)
        } else {
            f.write_str("none")
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceId;

    use super::*;

    fn sampled(json: &str, operation: &str) -> Vec<bool> {
        let response: StrategyResponse = serde_json::from_str(json).unwrap();
        let strategy = response.to_strategy().unwrap();
        [
            TraceId::from_bytes([0; 16]),
            TraceId::from_bytes([0xff; 16]),
        ]
        .into_iter()
        .map(|id| strategy.samples(id, operation, || 0))
        .collect()
    }

    #[test]
    fn json_is_read_as_jaeger_writes_it() {
        let half =
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}"#;
        assert_eq!(sampled(half, "x"), [true, false]);
        let limit =
            r#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":1}}"#;
        assert_eq!(sampled(limit, "x"), [true, false]);
        let operations = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0},
            "operationSampling":{"defaultSamplingProbability":0.5,"defaultLowerBoundTracesPerSecond":0,
            "perOperationStrategies":[{"operation":"all","probabilisticSampling":{"samplingRate":1}},
                {"operation":"none","probabilisticSampling":{"samplingRate":0}}],
            "defaultUpperBoundTracesPerSecond":0}}"#;
        assert_eq!(sampled(operations, "x"), [true, false]);
        assert_eq!(sampled(operations, "all"), [true, true]);
        assert_eq!(sampled(operations, "none"), [false, false]);
    }

    #[test]
    fn an_answer_without_a_strategy_is_unreadable() {
        let empty: StrategyResponse = serde_json::from_str("{}").unwrap();
        assert_eq!(
            empty.to_strategy().unwrap_err().kind().as_str(),
            "unreadable"
        );
    }
}
