#!/usr/bin/env bash
# make outage: what a service does while its collector is killed, hangs, is slow, refuses or is full. It starts
# processes of its own on free ports, and does not use the stack. See docs/outages.md.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

require_rust
provide_programs
JAEGER=$(program jaeger)
export JAEGER
# By name out of the whole workspace, so that nothing is compiled again (see code.sh).
cargo test --release --workspace --test outage -- --full
