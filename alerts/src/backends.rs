//! The metrics of the programs that are not ours, as they expose them: the one place that names them.
//!
//! They were read from Jaeger 2.13, Prometheus 3.15 and Alertmanager 0.30.

use crate::promql::Selector;

/// A metric that another program declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// Its Prometheus name.
    pub name: &'static str,
    /// The Prometheus job that exposes it.
    pub job: &'static str,
    /// The labels that rules and dashboards use.
    pub labels: &'static [&'static str],
}

/// Jaeger itself, an OpenTelemetry collector.
pub const JAEGER: &str = "jaeger";
/// What Jaeger's span metrics connector derives from spans.
pub const SPAN_METRICS: &str = "spanmetrics";
/// Prometheus itself.
pub const PROMETHEUS: &str = "prometheus";
/// Alertmanager.
pub const ALERTMANAGER: &str = "alertmanager";

/// The jobs beside the services that Prometheus must always reach.
pub const JOBS: [&str; 4] = [JAEGER, SPAN_METRICS, PROMETHEUS, ALERTMANAGER];

macro_rules! foreign {
    ($($(#[$doc:meta])* $constant:ident = $name:literal of $job:ident by [$($label:literal),*];)*) => {
        $(
            $(#[$doc])*
            pub const $constant: Foreign = Foreign { name: $name, job: $job, labels: &[$($label),*] };
        )*

        /// Every metric that is named here, those apart that Prometheus makes itself.
        pub const ALL: &[&Foreign] = &[$(&$constant),*];
    };
}

foreign! {
    /// Spans that the collector took.
    RECEIVER_ACCEPTED_SPANS = "otelcol_receiver_accepted_spans_total" of JAEGER by ["transport"];
    /// Spans that it pushed back, since what comes after the receiver would not take them.
    RECEIVER_REFUSED_SPANS = "otelcol_receiver_refused_spans_total" of JAEGER by ["transport"];
    /// Spans that it could not take for a fault of its own.
    RECEIVER_FAILED_SPANS = "otelcol_receiver_failed_spans_total" of JAEGER by ["transport"];
    /// Traces that the tail sampler decided about, by what it decided.
    TAIL_SAMPLED_TRACES = "otelcol_processor_tail_sampling_global_count_traces_sampled_total" of JAEGER by ["decision"];
    /// Traces that went before the tail sampler had decided about them, since more waited than it has places for.
    TAIL_SAMPLING_UNDECIDED = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total" of JAEGER by [];
    /// Spans that went to the storage.
    EXPORTER_SENT_SPANS = "otelcol_exporter_sent_spans_total" of JAEGER by ["exporter"];
    /// Spans that the storage would not have.
    EXPORTER_FAILED_SPANS = "otelcol_exporter_send_failed_spans_total" of JAEGER by ["exporter"];
    /// Resident memory of the collector.
    COLLECTOR_MEMORY = "otelcol_process_memory_rss_bytes" of JAEGER by [];
    /// Rules that could not be evaluated.
    RULE_FAILURES = "prometheus_rule_evaluation_failures_total" of PROMETHEUS by ["rule_group"];
    /// How long the last evaluation of a group took.
    RULE_GROUP_DURATION = "prometheus_rule_group_last_duration_seconds" of PROMETHEUS by ["rule_group"];
    /// Alerts that Prometheus could not hand over.
    NOTIFICATION_ERRORS = "prometheus_notifications_errors_total" of PROMETHEUS by ["alertmanager"];
    /// Alerts that it gave up on.
    NOTIFICATIONS_DROPPED = "prometheus_notifications_dropped_total" of PROMETHEUS by ["alertmanager"];
    /// Time series in memory.
    HEAD_SERIES = "prometheus_tsdb_head_series" of PROMETHEUS by [];
    /// Notifications that a receiver would not have.
    ALERTMANAGER_FAILED = "alertmanager_notifications_failed_total" of ALERTMANAGER by ["integration"];
    /// Alerts that Alertmanager knows of.
    ALERTMANAGER_ALERTS = "alertmanager_alerts" of ALERTMANAGER by ["state"];
}

/// Prometheus's own series about each target: 1 when the last scrape succeeded.
pub const UP: &str = "up";

/// Prometheus's own series about each alert that is pending or firing.
pub const ALERTS: &str = "ALERTS";

/// [`UP`] of one job.
pub fn up(job: &str) -> Selector {
    Selector::named(UP).with("job", job)
}

// === impl Foreign ===

impl Foreign {
    /// Its series in the job that exposes it.
    pub fn selector(&self) -> Selector {
        Selector::named(self.name).with("job", self.job)
    }
}
