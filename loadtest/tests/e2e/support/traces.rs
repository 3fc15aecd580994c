//! Assertions on the traces of an auction.

use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::traces::{AuctionTrace, Finding, Trace, bid};

use super::stack::Stack;

/// Asserts that the trace of an auction and those of its bids are complete.
pub(crate) async fn assert_complete(
    stack: &Stack,
    trace_id: &str,
    bids: &[String],
    declined: usize,
) -> Trace {
    let (trace, findings) = stack
        .jaeger
        .wait_for_trace(trace_id, ARRIVAL_LIMIT, |trace| {
            AuctionTrace {
                trace,
                bids,
                declined,
            }
            .findings()
        })
        .await
        .expect("Jaeger answers");
    assert!(findings.is_empty(), "trace {trace_id}: {}", text(&findings));
    for bid_trace in bids {
        let (_, findings) = stack
            .jaeger
            .wait_for_trace(bid_trace, ARRIVAL_LIMIT, bid::findings)
            .await
            .expect("Jaeger answers");
        assert!(findings.is_empty(), "bid {bid_trace}: {}", text(&findings));
    }
    trace
}

fn text(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
