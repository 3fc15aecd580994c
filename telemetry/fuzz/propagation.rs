//! Fuzzes the reading and writing of contexts, in the forms of `OTEL_PROPAGATORS`: run it by `make fuzz`.

#![no_main]

use std::sync::OnceLock;

use telemetry::Telemetry;
use tokio::runtime::Runtime;

mod carried;

/// They stay until the process ends.
static STARTED: OnceLock<(Telemetry, Runtime)> = OnceLock::new();

fn start() -> (Telemetry, Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("there is no runtime");
    let telemetry = {
        let _inside = runtime.enter();
        telemetry::init("fuzz").expect("the telemetry does not start")
    };
    (telemetry, runtime)
}

libfuzzer_sys::fuzz_target!(
    init: {
        STARTED.get_or_init(start);
    },
    |data: &[u8]| carried::check(data)
);
