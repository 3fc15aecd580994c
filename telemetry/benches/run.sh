#!/usr/bin/env bash
# make bench: what telemetry costs per request, beside its peers, and how that grows. docs/performance.md says how to
# read it. ROUNDS is how often each contender is measured, REQUESTS of how many requests each time, MINUTES for how long
# load goes on to see whether anything grows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=../../target-bench

# build NAME ARGUMENTS : one of the binaries, as $out/NAME.
build() {
  local name=$1
  shift
  cargo build --release --locked --target-dir "$out" "$@"
  cp "$out/release/telemetry-benches" "$out/$name"
}

# Counting allocations takes its time, so that other binaries tell how many they are. The features of the peers make what
# they share with this crate slower, so that it is measured without them.
build counting --features counting
build own --no-default-features
build peers

"$out/peers" --beside "$out" --rounds "${ROUNDS:-9}" --requests "${REQUESTS:-40000}"
"$out/peers" --beside "$out" --growth --minutes "${MINUTES:-10}"
