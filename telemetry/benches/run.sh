#!/usr/bin/env bash
# make bench: what telemetry costs per request, beside its peers, and how that grows. docs/performance.md says how to
# read it. ROUNDS is how often each contender is measured, REQUESTS of how many requests each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=../../target-bench
built=$out/release/telemetry-benches

# The lean bridge takes the place of a crate that the peers need: it has a binary of its own, without them.
lock=$(mktemp)
cp Cargo.lock "$lock"
trap 'cp "$lock" Cargo.lock; rm "$lock"' EXIT
cargo build --release --target-dir "$out" --no-default-features --features lean \
  --config 'patch.crates-io.tracing-opentelemetry.path="../lean-bridge"'
cp "$built" "$out/lean"
cp "$lock" Cargo.lock
cargo build --release --locked --target-dir "$out"

"$built" --lean "$out/lean" --rounds "${ROUNDS:-9}" --requests "${REQUESTS:-40000}"
"$built" --growth
