//! What the trace of a bid must contain.

use super::finding::{Finding, Hop};
use super::model::{Span, Trace};

/// What is missing or wrong in the trace of an accepted bid, which goes from the gateway to the auction service's database.
pub fn findings(trace: &Trace) -> Vec<Finding> {
    let mut findings = trace.structural_findings();
    if findings == [Finding::Empty] {
        return findings;
    }
    let services = trace.services();
    findings.extend(
        ["gateway", "auction"]
            .into_iter()
            .filter(|service| !services.contains(service))
            .map(|service| Finding::MissingService(service.to_owned())),
    );
    let hops = trace.hops();
    findings.extend(
        [Hop::Grpc, Hop::Sql]
            .into_iter()
            .filter(|hop| !hops.contains(hop))
            .map(Finding::MissingHop),
    );
    let failed: Vec<String> = trace
        .spans()
        .iter()
        .filter(|span| span.failed)
        .map(Span::label)
        .collect();
    if !failed.is_empty() {
        findings.push(Finding::Errors {
            expected: "no span that failed".to_owned(),
            failed,
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::bid_trace;
    use crate::traces::model::SpanKind;

    #[test]
    fn a_bids_trace_goes_from_the_gateway_to_the_database() {
        assert_eq!(findings(&bid_trace()), []);
        for (kind, finding) in [
            (SpanKind::Server, Finding::MissingHop(Hop::Grpc)),
            (SpanKind::Client, Finding::MissingHop(Hop::Sql)),
        ] {
            let mut spans = bid_trace().spans().to_vec();
            spans.retain(|span| span.service != "auction" || span.kind != kind);
            let found = findings(&Trace::new("b", spans));
            assert!(found.contains(&finding), "{found:?}");
        }
    }
}
