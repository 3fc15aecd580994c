//! Which traces are recorded.

use std::time::Duration;

use http::Uri;

use super::endpoint::Endpoint;
use super::value::{self, one_of};
use super::variable::{Environment, Parsed, Section, Unfit, Variable};
use super::{RootSampler, Sampler};

pub(super) const SECTION: Section = Section {
    title: "Sampling",
    variables: &[&SAMPLER, &ARGUMENT, &STREAM_EVENT_TRACES],
};

const SAMPLER: Variable<Sampler> = Variable {
    name: "OTEL_TRACES_SAMPLER",
    default: "parentbased_always_on",
    expected: "always_on, always_off, traceidratio or jaeger_remote, each also with parentbased_ before it",
    purpose: "Which traces are recorded; with `parentbased_` only those are asked about that no caller has decided.",
    parse: sampler,
};

const ARGUMENT: Variable<String> = Variable {
    name: "OTEL_TRACES_SAMPLER_ARG",
    default: "",
    expected: "a share from 0 to 1 for traceidratio; some of endpoint=URL,pollingIntervalMs=MILLISECONDS,initialSamplingRate=SHARE for jaeger_remote",
    purpose: "What the sampler needs to know: `traceidratio` records every trace without it, `jaeger_remote` asks `http://127.0.0.1:5779` every 60000 ms and records 0.001 of the traces until there is a strategy.",
    parse: value::text,
};

pub(super) const STREAM_EVENT_TRACES: Variable<u32> = Variable {
    name: "TELEMETRY_STREAM_EVENT_TRACES",
    default: "50",
    expected: "a whole number from 0 to 2147483647, or off",
    purpose: "How many events of streams (server-sent events, messages of gRPC streams) become traces in a second, all streams together; the rest is counted, and `off` makes none. It goes before `Builder::stream_event_traces`.",
    parse: |value| {
        if value.eq_ignore_ascii_case("off") {
            return Ok(0);
        }
        value::count(value)
    },
};

/// The default gRPC endpoint of Jaeger's sampling strategies; the specification defines none.
const REMOTE: &str = "http://127.0.0.1:5779";
const POLLING_INTERVAL: Duration = Duration::from_mins(1);
const INITIAL_RATIO: f64 = 0.001;

pub(super) fn read(environment: &mut Environment) -> Sampler {
    let argument = environment.get(&ARGUMENT);
    if argument.is_some() && !environment.is_given(&SAMPLER) {
        let reason = "it says nothing without OTEL_TRACES_SAMPLER".to_owned();
        environment.reject(&ARGUMENT, Unfit::Because(reason));
    }
    let Some(named) = environment.get(&SAMPLER) else {
        return SAMPLER.default_value();
    };
    let Some(argument) = argument else {
        return named;
    };
    let root = match &named.root {
        RootSampler::Ratio(_) => value::share(&argument).map(RootSampler::Ratio),
        RootSampler::JaegerRemote { .. } => remote(&argument),
        other @ (RootSampler::Always | RootSampler::Never) => Ok(other.clone()),
    };
    match root {
        Ok(root) => Sampler { root, ..named },
        Err(unfit) => {
            environment.reject(&ARGUMENT, unfit);
            named
        }
    }
}

fn sampler(value: &str) -> Parsed<Sampler> {
    #[derive(Clone, Copy)]
    enum Root {
        Always,
        Never,
        Ratio,
        JaegerRemote,
    }
    let (parent_based, root) = one_of(
        value,
        &[
            ("always_on", (false, Root::Always)),
            ("always_off", (false, Root::Never)),
            ("traceidratio", (false, Root::Ratio)),
            ("jaeger_remote", (false, Root::JaegerRemote)),
            ("parentbased_always_on", (true, Root::Always)),
            ("parentbased_always_off", (true, Root::Never)),
            ("parentbased_traceidratio", (true, Root::Ratio)),
            ("parentbased_jaeger_remote", (true, Root::JaegerRemote)),
        ],
    )
    .map_err(|unfit| {
        if value.eq_ignore_ascii_case("xray") {
            Unfit::Because("xray is not supported".to_owned())
        } else {
            unfit
        }
    })?;
    let root = match root {
        Root::Always => RootSampler::Always,
        Root::Never => RootSampler::Never,
        Root::Ratio => RootSampler::Ratio(1.0),
        Root::JaegerRemote => remote("")?,
    };
    Ok(Sampler { parent_based, root })
}

/// `endpoint=...,pollingIntervalMs=...,initialSamplingRate=...`, each at most once.
fn remote(argument: &str) -> Parsed<RootSampler> {
    let (mut endpoint, mut polling_interval, mut initial_ratio) = (None, None, None);
    for (key, value) in argument
        .split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(|member| member.split_once('=').ok_or(Unfit::Form))
        .collect::<Parsed<Vec<_>>>()?
    {
        let first = match key {
            "endpoint" => {
                let url = Endpoint::parse(value)?.with_scheme()?;
                endpoint.replace(url).is_none()
            }
            "pollingIntervalMs" => {
                let interval = value::milliseconds(value)?;
                !interval.is_zero() && polling_interval.replace(interval).is_none()
            }
            "initialSamplingRate" => initial_ratio.replace(value::share(value)?).is_none(),
            _ => false,
        };
        if !first {
            return Err(Unfit::Form);
        }
    }
    Ok(RootSampler::JaegerRemote {
        endpoint: endpoint.unwrap_or_else(|| Uri::from_static(REMOTE)),
        polling_interval: polling_interval.unwrap_or(POLLING_INTERVAL),
        initial_ratio: initial_ratio.unwrap_or(INITIAL_RATIO),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::settings;
    use super::*;

    fn read(sampler: &str, argument: &str) -> (Sampler, usize) {
        let settings = settings(&[
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ]);
        (settings.sampler, settings.rejected.len())
    }

    fn of(parent_based: bool, root: RootSampler) -> (Sampler, usize) {
        (Sampler { parent_based, root }, 0)
    }

    #[test]
    fn a_rate_of_event_traces_is_a_number_or_off() {
        for (value, rate, rejected) in [
            ("", None, 0),
            ("7", Some(7), 0),
            ("0", Some(0), 0),
            ("Off", Some(0), 0),
            ("-1", None, 1),
            ("all", None, 1),
        ] {
            let settings = settings(&[("TELEMETRY_STREAM_EVENT_TRACES", value)]);
            assert_eq!(settings.stream_event_traces, rate, "{value}");
            assert_eq!(settings.rejected.len(), rejected, "{value}");
        }
        let default = STREAM_EVENT_TRACES.default_value();
        assert_eq!(default, crate::layers::stream::event_rate::DEFAULT);
    }

    #[test]
    fn every_sampler_of_the_specification_has_its_name() {
        assert_eq!(read("", ""), of(true, RootSampler::Always));
        assert_eq!(read("always_on", ""), of(false, RootSampler::Always));
        assert_eq!(read("ALWAYS_OFF", ""), of(false, RootSampler::Never));
        assert_eq!(
            read("parentbased_always_on", ""),
            of(true, RootSampler::Always)
        );
        assert_eq!(
            read("parentbased_always_off", ""),
            of(true, RootSampler::Never)
        );
        assert_eq!(
            read("traceidratio", "0.25"),
            of(false, RootSampler::Ratio(0.25))
        );
        assert_eq!(
            read("parentbased_traceidratio", ""),
            of(true, RootSampler::Ratio(1.0))
        );
        assert_eq!(
            read("always_on", "left from another sampler"),
            of(false, RootSampler::Always)
        );
    }

    #[test]
    fn a_remote_sampler_reads_its_argument_and_has_defaults() {
        let remote = |endpoint: &'static str, millis, initial_ratio| RootSampler::JaegerRemote {
            endpoint: Uri::from_static(endpoint),
            polling_interval: Duration::from_millis(millis),
            initial_ratio,
        };
        assert_eq!(
            read(
                "parentbased_jaeger_remote",
                "endpoint=http://jaeger:5779,pollingIntervalMs=5000,initialSamplingRate=0.25"
            ),
            of(true, remote("http://jaeger:5779", 5000, 0.25))
        );
        assert_eq!(
            read("jaeger_remote", "initialSamplingRate=0"),
            of(false, remote(REMOTE, 60_000, 0.0))
        );
    }

    #[test]
    fn a_bad_argument_is_as_if_it_was_not_there() {
        for argument in ["1.5", "half", "-1"] {
            let (sampler, rejected) = read("traceidratio", argument);
            assert_eq!((sampler.root, rejected), (RootSampler::Ratio(1.0), 1));
        }
        let (defaults, _) = read("jaeger_remote", "");
        for argument in [
            "0.5",
            "endpoint=jaeger",
            "pollingIntervalMs=0",
            "pollingIntervalMs=-5",
            "initialSamplingRate=2",
            "initialSamplingRate=0.1,initialSamplingRate=0.2",
            "interval=5",
        ] {
            let (sampler, rejected) = read("jaeger_remote", argument);
            assert_eq!((&sampler, rejected), (&defaults, 1), "{argument}");
        }
    }

    #[test]
    fn an_argument_without_a_sampler_is_named_since_it_says_nothing() {
        let (sampler, rejected) = read("", "0.1");
        assert_eq!((sampler.root, rejected), (RootSampler::Always, 1));
    }

    #[test]
    fn an_unknown_sampler_leaves_the_default() {
        for name in ["xray", "sometimes"] {
            let (sampler, rejected) = read(name, "0.1");
            assert_eq!((sampler.root, rejected), (RootSampler::Always, 1), "{name}");
        }
    }
}
