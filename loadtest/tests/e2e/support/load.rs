//! A load run that several tests share.

use std::time::Duration;

use loadtest::run::{self, Load, Settings};
use loadtest::schedule::Schedule;
use loadtest::slo;
use tokio::sync::OnceCell;

use super::stack::{self, Stack};

/// A minute of auctions, as `make up` runs.
const SCHEDULE: Schedule = Schedule {
    rate: 2.0,
    duration: Duration::from_mins(1),
    max_in_flight: 500,
};

static LOADED: OnceCell<()> = OnceCell::const_new();

/// Runs a minute of auctions, once for all tests.
pub(crate) async fn minute_of_auctions(stack: &Stack) {
    LOADED
        .get_or_init(async || {
            stack.accounts().await;
            let settings = Settings {
                load: Load {
                    schedule: SCHEDULE,
                    bidders: 4,
                    auction: Duration::from_secs(3),
                },
                objectives: slo::objectives().expect("the objectives hold"),
            };
            let report = run::run(
                &stack.gateway,
                &stack.jaeger,
                &stack::credentials(),
                &settings,
                |_| {},
            )
            .await
            .expect("a report");
            // The SLOs are not asserted here: the machine may be busy with other work.
            assert_eq!(
                report.confirmed,
                SCHEDULE.arrivals(),
                "{}",
                report.summary()
            );
            assert!(report.trace_id.is_some(), "a complete trace to show");
        })
        .await;
}
