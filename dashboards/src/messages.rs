//! Messages over the broker: those that a service sends, and those that it processes.

use chassis::platform::Service;
use registry::{OUTBOX_OLDEST_AGE, OUTBOX_PENDING};
use telemetry::signals::{
    MESSAGING_CLIENT_OPERATION_DURATION, MESSAGING_CLIENT_SENT_MESSAGES, MESSAGING_CONSUMER_LAG,
    MESSAGING_CONSUMER_REDELIVERED, MESSAGING_CONSUMER_UNSETTLED, MESSAGING_PROCESS_AGE,
    MESSAGING_PROCESS_DURATION,
};

use crate::model::{Panel, Query, Row, Unit};
use crate::query::{or_zero, quantile_or_zero, series};

const DESTINATION: &[&str] = &["messaging.destination.name"];
const LEGEND: &str = "{{messaging_destination_name}}";

const GROUP: &[&str] = &["messaging.consumer.group.name"];
const GROUP_LEGEND: &str = "{{messaging_consumer_group_name}}";

pub(crate) fn sent(service: Service) -> Row {
    let sent = series(&MESSAGING_CLIENT_SENT_MESSAGES).job(service);
    let sending = series(&MESSAGING_CLIENT_OPERATION_DURATION)
        .job(service)
        .matching("messaging.operation.name", "send");
    Row {
        title: "Events out",
        panels: vec![
            Panel::lines(
                "Sent",
                Unit::PerSecond,
                vec![
                    Query::new(or_zero(sent.rate(DESTINATION)), LEGEND),
                    Query::new(
                        or_zero(sent.clone().failed().rate(DESTINATION)),
                        format!("{LEGEND} failed"),
                    ),
                ],
            )
            .describe(
                "Events that were sent to the broker, and the attempts of these that failed.",
            ),
            Panel::latency(
                "Duration p95",
                vec![Query::new(
                    quantile_or_zero(sending.quantile(0.95, DESTINATION)),
                    LEGEND,
                )],
            )
            .describe("Until the broker has stored the event."),
            Panel::lines(
                "Outbox: events that wait",
                Unit::Count,
                vec![Query::new(
                    series(&OUTBOX_PENDING).job(service).max(&[]),
                    "events",
                )],
            )
            .wide(4)
            .describe("Committed and not published yet."),
            Panel::lines(
                "Outbox: oldest event",
                Unit::Seconds,
                vec![Query::new(
                    series(&OUTBOX_OLDEST_AGE).job(service).max(&[]),
                    "age",
                )],
            )
            .wide(4)
            .describe("How long the oldest has waited."),
        ],
    }
}

pub(crate) fn processed(service: Service) -> Row {
    let processed = series(&MESSAGING_PROCESS_DURATION).job(service);
    let ages = series(&MESSAGING_PROCESS_AGE).job(service);
    // All instances share the consumer and report the same value.
    let lag = |metric| series(metric).job(service).max(GROUP);
    Row {
        title: "Events in",
        panels: vec![
            Panel::lines(
                "Processed",
                Unit::PerSecond,
                vec![Query::new(or_zero(processed.rate(DESTINATION)), LEGEND)],
            )
            .describe("Deliveries worked on per second, redeliveries included."),
            Panel::lines(
                "Errors",
                Unit::PerSecond,
                vec![Query::new(
                    or_zero(processed.clone().failed().rate(DESTINATION)),
                    LEGEND,
                )],
            )
            .describe("Deliveries that failed; each comes again."),
            Panel::latency(
                "Duration p95",
                vec![Query::new(
                    quantile_or_zero(processed.quantile(0.95, DESTINATION)),
                    LEGEND,
                )],
            )
            .describe("How long working on one took."),
            Panel::latency(
                "Age p95",
                vec![Query::new(
                    quantile_or_zero(ages.quantile(0.95, DESTINATION)),
                    LEGEND,
                )],
            )
            .describe("How old an event was when work on it began, since the broker had stored it; redeliveries are older."),
            Panel::lines(
                "Waiting in the broker",
                Unit::Count,
                vec![Query::new(lag(&MESSAGING_CONSUMER_LAG), GROUP_LEGEND)],
            )
            .describe("Stored and not delivered yet: it grows when events come faster than they are worked on."),
            Panel::lines(
                "In work",
                Unit::Count,
                vec![
                    Query::new(lag(&MESSAGING_CONSUMER_UNSETTLED), format!("{GROUP_LEGEND} unsettled")),
                    Query::new(lag(&MESSAGING_CONSUMER_REDELIVERED), format!("{GROUP_LEGEND} redelivered")),
                ],
            )
            .describe("Delivered and not settled yet; of these, the ones that came more than once."),
        ],
    }
}
