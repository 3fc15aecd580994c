//! The metrics of Jaeger, Prometheus and Alertmanager that rules and dashboards use, and their Prometheus jobs. Nothing
//! else names them.
//!
//! Taken from Jaeger 2.13, Prometheus 3.15 and Alertmanager 0.30.

use crate::promql::Selector;

/// A metric of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendMetric {
    /// Its Prometheus name.
    pub name: &'static str,
    /// The Prometheus job that exposes it.
    pub job: &'static str,
    /// The labels that rules and dashboards use.
    pub labels: &'static [&'static str],
}

/// Jaeger itself, an OpenTelemetry collector.
pub const JAEGER: &str = "jaeger";
/// The metrics that Jaeger's span metrics connector derives from spans.
pub const SPAN_METRICS: &str = "spanmetrics";
/// Prometheus itself.
pub const PROMETHEUS: &str = "prometheus";
/// Alertmanager.
pub const ALERTMANAGER: &str = "alertmanager";

/// The jobs of the backends, all of which Prometheus must reach.
pub const JOBS: [&str; 4] = [JAEGER, SPAN_METRICS, PROMETHEUS, ALERTMANAGER];

macro_rules! backend_metrics {
    ($($(#[$doc:meta])* $constant:ident = $name:literal of $job:ident by [$($label:literal),*];)*) => {
        $(
            $(#[$doc])*
            pub const $constant: BackendMetric = BackendMetric { name: $name, job: $job, labels: &[$($label),*] };
        )*

        /// Every metric above. [`UP`] and [`ALERTS`], which Prometheus creates, are not among them.
        pub const ALL: &[&BackendMetric] = &[$(&$constant),*];
    };
}

backend_metrics! {
    /// Spans that the receiver accepted.
    RECEIVER_ACCEPTED_SPANS = "otelcol_receiver_accepted_spans_total" of JAEGER by ["transport"];
    /// Spans that the receiver refused because the next part of the pipeline did.
    RECEIVER_REFUSED_SPANS = "otelcol_receiver_refused_spans_total" of JAEGER by ["transport"];
    /// Spans that the receiver failed on.
    RECEIVER_FAILED_SPANS = "otelcol_receiver_failed_spans_total" of JAEGER by ["transport"];
    /// Traces by the decision of the tail sampler.
    TAIL_SAMPLED_TRACES = "otelcol_processor_tail_sampling_global_count_traces_sampled_total" of JAEGER by ["decision"];
    /// Traces that the tail sampler dropped undecided because more were waiting than it can hold.
    TAIL_SAMPLING_UNDECIDED = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total" of JAEGER by [];
    /// Spans that were written to the storage.
    EXPORTER_SENT_SPANS = "otelcol_exporter_sent_spans_total" of JAEGER by ["exporter"];
    /// Spans that the storage did not accept.
    EXPORTER_FAILED_SPANS = "otelcol_exporter_send_failed_spans_total" of JAEGER by ["exporter"];
    /// Resident memory of the collector.
    COLLECTOR_MEMORY = "otelcol_process_memory_rss_bytes" of JAEGER by [];
    /// Rules that could not be evaluated.
    RULE_FAILURES = "prometheus_rule_evaluation_failures_total" of PROMETHEUS by ["rule_group"];
    /// How long the last evaluation of a group took.
    RULE_GROUP_DURATION = "prometheus_rule_group_last_duration_seconds" of PROMETHEUS by ["rule_group"];
    /// Alerts whose delivery to Alertmanager failed.
    NOTIFICATION_ERRORS = "prometheus_notifications_errors_total" of PROMETHEUS by ["alertmanager"];
    /// Alerts that were dropped before delivery to Alertmanager.
    NOTIFICATIONS_DROPPED = "prometheus_notifications_dropped_total" of PROMETHEUS by ["alertmanager"];
    /// Time series in memory.
    HEAD_SERIES = "prometheus_tsdb_head_series" of PROMETHEUS by [];
    /// Notifications that an Alertmanager receiver did not accept.
    ALERTMANAGER_FAILED = "alertmanager_notifications_failed_total" of ALERTMANAGER by ["integration"];
    /// Alerts in Alertmanager.
    ALERTMANAGER_ALERTS = "alertmanager_alerts" of ALERTMANAGER by ["state"];
}

/// The series that Prometheus creates for each target: 1 when the last scrape succeeded.
pub const UP: &str = "up";

/// The series that Prometheus creates for each alert that is pending or firing.
pub const ALERTS: &str = "ALERTS";

/// [`UP`] of one job.
pub fn up(job: &str) -> Selector {
    Selector::named(UP).with("job", job)
}

// === impl BackendMetric ===

impl BackendMetric {
    /// Its series, of the job that exposes it.
    pub fn selector(&self) -> Selector {
        Selector::named(self.name).with("job", self.job)
    }
}
