//! The variables for span export and span limits.

use std::time::Duration;

use crate::logs::InvalidDirectives;
use crate::trace::levels::SpanLevels;

use super::value::{self, COUNT, MILLISECONDS, POSITIVE, TIMEOUT, one_of};
use super::variable::{Environment, Section, Unfit, Variable};
use super::{BatchLimits, Exporter, Limits};

pub(super) const SECTION: Section = Section {
    title: "The export of spans",
    variables: &[
        &EXPORTER,
        &SCHEDULE_DELAY,
        &EXPORT_TIMEOUT,
        &QUEUE_SIZE,
        &EXPORT_SIZE,
    ],
};

pub(super) const MAKING: Section = Section {
    title: "The making of spans",
    variables: &[&LEVELS],
};

pub(super) const LIMITS: Section = Section {
    title: "Limits",
    variables: &[
        &LENGTH,
        &SPAN_LENGTH,
        &ATTRIBUTES,
        &SPAN_ATTRIBUTES,
        &EVENTS,
        &LINKS,
        &EVENT_ATTRIBUTES,
        &LINK_ATTRIBUTES,
    ],
};

pub(super) const LEVELS: Variable<SpanLevels> = Variable {
    name: "TELEMETRY_SPAN_LEVELS",
    default: "info",
    expected: "a level or TARGET=LEVEL, or a list of them, with the levels off, error, warn, info, debug, trace",
    purpose: "Which `tracing` spans are made and which events are events of a span, also by module, as in `info,shop::till=debug`. What it does not name keeps the level info.",
    parse: |value| {
        value
            .parse()
            .map_err(|error: InvalidDirectives| Unfit::Because(error.to_string()))
    },
};

pub(super) const EXPORTER: Variable<Exporter> = Variable {
    name: "OTEL_TRACES_EXPORTER",
    default: "otlp",
    expected: "otlp, console or none",
    purpose: "Where spans go; `console` writes lines of JSON to the standard output.",
    parse: |value| {
        one_of(
            value,
            &[
                ("otlp", Exporter::Otlp),
                ("console", Exporter::Console),
                ("none", Exporter::None),
            ],
        )
    },
};

const SCHEDULE_DELAY: Variable<Duration> = Variable {
    name: "OTEL_BSP_SCHEDULE_DELAY",
    default: "5000",
    expected: MILLISECONDS,
    purpose: "How long an ended span waits at most for others to go with it.",
    parse: value::milliseconds,
};

const EXPORT_TIMEOUT: Variable<Duration> = Variable {
    name: "OTEL_BSP_EXPORT_TIMEOUT",
    default: "30000",
    expected: TIMEOUT,
    purpose: "How long a batch may take with all its attempts.",
    parse: value::timeout,
};

const QUEUE_SIZE: Variable<usize> = Variable {
    name: "OTEL_BSP_MAX_QUEUE_SIZE",
    default: "2048",
    expected: POSITIVE,
    purpose: "How many ended spans may wait; more are dropped and counted.",
    parse: value::positive,
};

const EXPORT_SIZE: Variable<usize> = Variable {
    name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    default: "512",
    expected: "a whole number from 1 to OTEL_BSP_MAX_QUEUE_SIZE",
    purpose: "How many spans go in one batch. The default shrinks with the queue.",
    parse: value::positive,
};

const LENGTH: Variable<usize> = Variable {
    name: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    default: "",
    expected: COUNT,
    purpose: "How many characters of an attribute's value are kept; all without it.",
    parse: value::length,
};

const SPAN_LENGTH: Variable<usize> = Variable {
    name: "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    purpose: "The same for spans; it goes before the one above.",
    ..LENGTH
};

const ATTRIBUTES: Variable<u32> = Variable {
    name: "OTEL_ATTRIBUTE_COUNT_LIMIT",
    default: "128",
    expected: COUNT,
    purpose: "How many attributes a span, an event or a link keeps.",
    parse: value::count,
};

const SPAN_ATTRIBUTES: Variable<u32> = Variable {
    name: "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    purpose: "The same for spans; it goes before the one for all.",
    ..ATTRIBUTES
};

const EVENTS: Variable<u32> = Variable {
    name: "OTEL_SPAN_EVENT_COUNT_LIMIT",
    purpose: "How many events a span keeps.",
    ..ATTRIBUTES
};

const LINKS: Variable<u32> = Variable {
    name: "OTEL_SPAN_LINK_COUNT_LIMIT",
    purpose: "How many links a span keeps.",
    ..ATTRIBUTES
};

const EVENT_ATTRIBUTES: Variable<u32> = Variable {
    name: "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    purpose: "How many attributes an event keeps; it goes before the one for all.",
    ..ATTRIBUTES
};

const LINK_ATTRIBUTES: Variable<u32> = Variable {
    name: "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    purpose: "How many attributes a link keeps; it goes before the one for all.",
    ..ATTRIBUTES
};

pub(super) fn read_batch(environment: &mut Environment) -> BatchLimits {
    let queue_size = environment.get_or_default(&QUEUE_SIZE);
    let fits = |size| {
        let reason = || Unfit::Because(format!("the queue has room for {queue_size}"));
        Some(size)
            .filter(|size| *size <= queue_size)
            .ok_or_else(reason)
    };
    let default = EXPORT_SIZE.default_value().min(queue_size);
    BatchLimits {
        // A delay of zero would have the worker spin.
        schedule_delay: environment
            .get_or_default(&SCHEDULE_DELAY)
            .max(Duration::from_millis(1)),
        export_timeout: environment.get_or_default(&EXPORT_TIMEOUT),
        queue_size,
        export_size: environment.get_as(&EXPORT_SIZE, fits).unwrap_or(default),
    }
}

pub(super) fn read_limits(environment: &mut Environment) -> Limits {
    let attributes = environment.get_or_default(&ATTRIBUTES);
    Limits {
        attributes: environment.get(&SPAN_ATTRIBUTES).unwrap_or(attributes),
        events: environment.get_or_default(&EVENTS),
        links: environment.get_or_default(&LINKS),
        attributes_per_event: environment.get(&EVENT_ATTRIBUTES).unwrap_or(attributes),
        attributes_per_link: environment.get(&LINK_ATTRIBUTES).unwrap_or(attributes),
        attribute_length: environment.first([&SPAN_LENGTH, &LENGTH]),
    }
}

// === impl Limits ===

impl Default for Limits {
    /// The defaults.
    fn default() -> Self {
        let count = ATTRIBUTES.default_value();
        Self {
            attributes: count,
            events: count,
            links: count,
            attributes_per_event: count,
            attributes_per_link: count,
            attribute_length: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::settings;
    use super::*;

    #[test]
    fn a_batch_is_never_larger_than_the_queue() {
        for (queue, batch, export_size, rejected) in [
            ("", "", 512, 0),
            ("100", "", 100, 0),
            ("100", "100", 100, 0),
            ("100", "101", 100, 1),
            ("0", "", 512, 1),
            ("4096", "0", 512, 1),
            ("", "many", 512, 1),
        ] {
            let settings = settings(&[
                ("OTEL_BSP_MAX_QUEUE_SIZE", queue),
                ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch),
            ]);
            assert_eq!(settings.batch.export_size, export_size, "{queue} {batch}");
            assert_eq!(settings.rejected.len(), rejected, "{queue} {batch}");
        }
    }

    #[test]
    fn a_bad_delay_leaves_the_default() {
        let settings = settings(&[
            ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "5s"),
        ]);
        assert_eq!(settings.batch.schedule_delay, Duration::from_secs(5));
        assert_eq!(settings.batch.export_timeout, Duration::from_secs(30));
        assert_eq!(settings.rejected.len(), 2);
    }

    #[test]
    fn a_limit_for_spans_goes_before_the_one_for_all() {
        let all = [
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "70"),
        ];
        let limits = settings(&all).limits;
        assert_eq!(
            (
                limits.attributes,
                limits.attributes_per_event,
                limits.attributes_per_link
            ),
            (7, 7, 7)
        );
        assert_eq!(limits.attribute_length, Some(70));
        let of_spans = [
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
            ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "2"),
            ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "3"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "4"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "0"),
        ];
        assert_eq!(
            settings(&[&all[..], &of_spans].concat()).limits,
            Limits {
                attributes: 1,
                attributes_per_event: 2,
                attributes_per_link: 3,
                events: 4,
                links: 0,
                attribute_length: Some(0),
            }
        );
    }

    #[test]
    fn an_exporter_that_is_not_here_leaves_the_default() {
        for (name, exporter, rejected) in [
            ("Console", Exporter::Console, 0),
            ("none", Exporter::None, 0),
            ("zipkin", Exporter::Otlp, 1),
            ("otlp,console", Exporter::Otlp, 1),
        ] {
            let settings = settings(&[("OTEL_TRACES_EXPORTER", name)]);
            assert_eq!(
                (settings.exporter, settings.rejected.len()),
                (exporter, rejected)
            );
        }
    }
}
