#!/usr/bin/env bash
# make test-lean: the tests of the telemetry crate with the lean bridge patched in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

lock=$(mktemp)
cp Cargo.lock "$lock"
trap 'cp "$lock" Cargo.lock; rm "$lock"' EXIT
cargo test --release -p telemetry --features lean-bridge \
  --config 'patch.crates-io.tracing-opentelemetry.path="telemetry/lean-bridge"' "$@"
