//! The business metrics of each service.

use chassis::platform::Service;
use registry as metrics;
use telemetry::signals::{HTTP_SERVER_STREAM_FIRST_EVENT_DURATION, Metric};

use crate::model::{Panel, Query, Row, Unit};
use crate::query::{or_zero, quantile_or_zero, series};

pub(crate) fn row(service: Service) -> Row {
    Row {
        title: "Business",
        panels: match service {
            Service::Gateway => gateway(),
            Service::Account => account(),
            Service::Catalog => catalog(),
            Service::Auction => auction(),
            Service::Reward => reward(),
            Service::Order => order(),
            Service::Payment => payment(),
            Service::Notification => notification(),
        },
    }
}

fn gateway() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Refused by the rate limit",
            Unit::PerSecond,
            vec![rate(&metrics::GATEWAY_RATE_LIMITED, &[], "refused")],
        )
        .describe("Answered with 429. A steady line is one client that does not slow down."),
        Panel::lines(
            "Clients that follow live bids",
            Unit::Count,
            vec![Query::new(
                or_zero(series(&metrics::GATEWAY_LIVE_CLIENTS).sum(&[])),
                "clients",
            )],
        )
        .describe("Open event streams."),
        Panel::latency(
            "First live event",
            quantiles(&HTTP_SERVER_STREAM_FIRST_EVENT_DURATION),
        )
        .describe("From the request to the first event; 0 while nobody asks."),
    ]
}

fn account() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Sign-ups",
            Unit::PerSecond,
            vec![rate(
                &metrics::ACCOUNT_SIGN_UPS,
                &["account.role"],
                "{{account_role}}",
            )],
        )
        .wide(12)
        .describe("Accounts made, by role."),
        Panel::lines(
            "Logins",
            Unit::PerSecond,
            vec![rate(
                &metrics::ACCOUNT_LOG_INS,
                &["bidtrace.outcome"],
                "{{bidtrace_outcome}}",
            )],
        )
        .wide(12)
        .describe("A burst of refused ones is somebody who guesses. Each costs CPU by design."),
    ]
}

fn catalog() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Searches",
            Unit::PerSecond,
            vec![rate(&metrics::CATALOG_ELIGIBLE, &[], "searches")],
        )
        .wide(12)
        .describe("Searches for restaurants that can serve a request."),
        Panel::lines(
            "Restaurants found",
            Unit::Count,
            quantiles(&metrics::CATALOG_ELIGIBLE),
        )
        .wide(12)
        .describe("Per search. Zero eligible restaurants is an auction nobody can win."),
    ]
}

fn auction() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Auctions",
            Unit::PerSecond,
            vec![
                rate(&metrics::AUCTION_OPENED, &[], "opened"),
                rate(
                    &metrics::AUCTION_ENDED,
                    &["bidtrace.outcome"],
                    "{{bidtrace_outcome}}",
                ),
                rate(&metrics::AUCTION_AWARDS_REVOKED, &[], "awards revoked"),
            ],
        )
        .describe("Opened and ended, by how they ended; and awards that payment undid."),
        Panel::lines(
            "Open auctions",
            Unit::Count,
            vec![Query::new(
                or_zero(series(&metrics::AUCTION_OPEN).sum(&[])),
                "open",
            )],
        )
        .describe("Auctions that take bids just now."),
        Panel::stacked(
            "Bids",
            Unit::PerSecond,
            vec![rate(
                &metrics::AUCTION_BIDS,
                &["bidtrace.outcome"],
                "{{bidtrace_outcome}}",
            )],
        )
        .describe("By outcome. A rejected bid is a good event: the rules at work."),
        Panel::latency(
            "Award after the deadline",
            quantiles(&metrics::AUCTION_AWARD_LATENESS),
        )
        .describe("From the deadline to the commit of the award."),
        Panel::lines(
            "Bids per auction",
            Unit::Count,
            vec![mean(&metrics::AUCTION_BIDS_PER_AUCTION, "mean")],
        )
        .wide(4)
        .describe("Of auctions that ended."),
        Panel::lines(
            "Saving",
            Unit::Share,
            vec![mean(&metrics::AUCTION_SAVING, "mean")],
        )
        .wide(4)
        .describe("What the bidding took off the ceiling price."),
    ]
}

fn reward() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Reservations",
            Unit::PerSecond,
            vec![rate(
                &metrics::REWARD_RESERVATIONS,
                &["bidtrace.outcome"],
                "{{bidtrace_outcome}}",
            )],
        )
        .wide(24)
        .describe("Of coupons and points. What is reserved must end committed or released."),
    ]
}

fn order() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Settlements",
            Unit::PerSecond,
            vec![rate(
                &metrics::ORDER_SETTLED,
                &["bidtrace.outcome"],
                "{{bidtrace_outcome}}",
            )],
        )
        .describe("Ended, by outcome."),
        Panel::lines(
            "Settlements under way",
            Unit::Count,
            vec![Query::new(
                or_zero(series(&metrics::ORDER_SETTLING).sum(&[])),
                "under way",
            )],
        )
        .describe("A line that does not come down is a saga that is stuck."),
        Panel::latency("Settlement", quantiles(&metrics::ORDER_SETTLEMENT_DURATION))
            .describe("From the award to the end."),
        Panel::lines(
            "Saga steps",
            Unit::PerSecond,
            vec![rate(
                &metrics::ORDER_SAGA_STEPS,
                &["saga.step", "saga.outcome"],
                "{{saga_step}} {{saga_outcome}}",
            )],
        )
        .wide(24)
        .describe(
            "By step and outcome. A step that is retried tells which neighbour is in trouble.",
        ),
    ]
}

fn payment() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Authorisations",
            Unit::PerSecond,
            vec![rate(&metrics::PAYMENT_AUTHORISATIONS, &["bidtrace.outcome"], "{{bidtrace_outcome}}")],
        )
        .wide(24)
        .describe("By outcome. The provider declines and stalls like a real one, when the payment method asks for it."),
    ]
}

fn notification() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Deliveries",
            Unit::PerSecond,
            vec![rate(
                &metrics::NOTIFICATION_DELIVERIES,
                &["notification.channel", "bidtrace.outcome"],
                "{{notification_channel}} {{bidtrace_outcome}}",
            )],
        )
        .wide(12)
        .describe("By channel and outcome."),
        Panel::latency("Delay", quantiles(&metrics::NOTIFICATION_DELAY))
            .wide(12)
            .describe("From the event to the entry in the inbox."),
    ]
}

fn rate(metric: &'static Metric, by: &[&'static str], legend: &str) -> Query {
    Query::new(or_zero(series(metric).rate(by)), legend)
}

fn mean(metric: &'static Metric, legend: &str) -> Query {
    Query::new(or_zero(format!("({} >= 0)", series(metric).mean())), legend)
}

fn quantiles(metric: &'static Metric) -> Vec<Query> {
    [(0.5, "p50"), (0.95, "p95")]
        .map(|(quantile, legend)| {
            Query::new(
                quantile_or_zero(series(metric).quantile(quantile, &[])),
                legend,
            )
        })
        .to_vec()
}
