//! Which traces are recorded.

use opentelemetry_sdk::trace::{Sampler, ShouldSample};

use crate::settings::{RootSampler, Settings};

/// The sampler that the settings ask for.
pub(crate) fn sampler(settings: &Settings) -> impl ShouldSample + 'static {
    let root = match settings.sampler.root {
        RootSampler::Never => Sampler::AlwaysOff,
        RootSampler::Ratio(ratio) => Sampler::TraceIdRatioBased(ratio),
        RootSampler::Always | RootSampler::JaegerRemote { .. } => Sampler::AlwaysOn,
    };
    if settings.sampler.parent_based {
        Sampler::ParentBased(Box::new(root))
    } else {
        root
    }
}
