//! The conformance matrix: every transport with every ending, against a real OTLP receiver, a real broker and a real
//! database. docs/conformance.md says what it promises.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod cell;
#[path = "../../../telemetry/tests/it/receiver.rs"]
#[allow(dead_code)] // The crate's own tests need more of it.
mod receiver;
mod stage;
mod transport;

use conformance::{Ending, Matrix, Transport};

use stage::Stage;

#[test]
fn every_transport_keeps_its_promises_at_every_ending() {
    quiet_on_purpose();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let matrix = runtime.block_on(async {
        let mut matrix = Matrix::default();
        let stage = Stage::start().await;
        for transport in Transport::ALL {
            for ending in Ending::ALL {
                let differences = cell::play(&stage, transport, ending).await;
                matrix.put(transport, ending, differences);
            }
        }
        matrix
    });
    println!("{matrix}\n{}", matrix.differences());
    assert!(matrix.holds(), "cells differ; they are listed above");
}

/// Some cells end with a panic: its text would bury the table.
fn quiet_on_purpose() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str() != Some(stage::PANIC) {
            report(panic);
        }
    }));
}
