//! A client of Jaeger's query API, version 3, which returns traces as OTLP in JSON.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use prost_types::Timestamp;

use crate::traces::{Span, Trace};
use crate::transport::{Transport, TransportError, query_encoded};

mod otlp;

use otlp::TracesResponse;

/// Maximum duration of one query.
const TIME_OUT: Duration = Duration::from_secs(20);

/// How long to wait until a trace is complete in Jaeger. The services export spans in batches, and Jaeger stores a trace
/// when its tail sampler has decided, 15 s after the first span. The rest is a margin.
pub const ARRIVAL_LIMIT: Duration = Duration::from_secs(45);

/// The interval at which an incomplete trace is read again.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A client of one Jaeger. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Jaeger {
    transport: Transport,
}

// === impl Jaeger ===

impl Jaeger {
    /// A client of the Jaeger at `url`, such as `http://127.0.0.1:16686`.
    ///
    /// # Errors
    /// When `url` is not an HTTP address.
    pub fn new(url: &str) -> Result<Self, TransportError> {
        Ok(Self {
            transport: Transport::new(url, TIME_OUT)?,
        })
    }

    /// The address of a trace in Jaeger's UI.
    pub fn page(&self, trace_id: &str) -> String {
        format!("{}/trace/{trace_id}", self.transport.base())
    }

    /// The spans of a trace that Jaeger has now, possibly none.
    ///
    /// # Errors
    /// When Jaeger does not respond, or the response cannot be read.
    pub async fn trace(&self, trace_id: &str) -> Result<Trace, TransportError> {
        let path = format!("/api/v3/traces/{trace_id}");
        Ok(Trace::new(trace_id, self.spans(&path).await?))
    }

    /// The spans of all services in the latest `max_traces` traces that `service` has spans in and that began within
    /// `since`, without Jaeger's adjustments.
    ///
    /// # Errors
    /// When Jaeger does not respond, or the response cannot be read.
    pub async fn recent(
        &self,
        service: &str,
        since: Duration,
        max_traces: usize,
    ) -> Result<Vec<Span>, TransportError> {
        let now = SystemTime::now();
        let begin = now.checked_sub(since).unwrap_or(SystemTime::UNIX_EPOCH);
        let [begin, end] =
            [begin, now].map(|time| query_encoded(&Timestamp::from(time).to_string()));
        let path = format!(
            "/api/v3/traces?query.service_name={service}&query.start_time_min={begin}&query.start_time_max={end}\
             &query.num_traces={max_traces}&query.raw_traces=true"
        );
        self.spans(&path).await
    }

    /// Reads the trace repeatedly until `check` finds nothing wrong or `limit` has passed, since spans arrive in batches.
    /// Returns the last reading and its findings.
    ///
    /// A failed query is repeated too: Jaeger's memory storage sorts the attributes of a trace in place, and panics when
    /// two queries read the same trace at once.
    ///
    /// # Errors
    /// When Jaeger does not respond before `limit`.
    pub async fn wait_for_trace<F>(
        &self,
        trace_id: &str,
        limit: Duration,
        mut check: impl FnMut(&Trace) -> Vec<F>,
    ) -> Result<(Trace, Vec<F>), TransportError> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            let over = tokio::time::Instant::now() >= until;
            match self.trace(trace_id).await {
                Ok(trace) => {
                    let findings = check(&trace);
                    if findings.is_empty() || over {
                        return Ok((trace, findings));
                    }
                }
                Err(error) if over => return Err(error),
                Err(_) => {}
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn spans(&self, path: &str) -> Result<Vec<Span>, TransportError> {
        let response = self.transport.get(path).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        Ok(response.json::<TracesResponse>()?.into_spans())
    }
}
