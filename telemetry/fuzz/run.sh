#!/usr/bin/env bash
# make fuzz: so many hostile requests against the propagators, found with the coverage of the code as the guide.
# RUNS bounds their number, SEED repeats a run. A crash leaves its request in target/fuzz and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

type c++ >/dev/null 2>&1 || { echo "fuzzing needs a C++ compiler: apt-get install g++" >&2; exit 1; }

target=x86_64-unknown-linux-gnu
[[ $(uname -m) == x86_64 ]] || target=$(uname -m)-unknown-linux-gnu
out=../../target/fuzz
mkdir -p "$out/corpus"

# What cargo-fuzz asks of a nightly compiler, in options that a stable one has: counters on every edge, and what is
# compared with what.
coverage=(
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
)
RUSTFLAGS="${coverage[*]}" cargo build --release --locked --target "$target" --target-dir "$out"

OTEL_SDK_DISABLED=true OTEL_PROPAGATORS=tracecontext,baggage,b3,b3multi,jaeger \
  "$out/$target/release/propagation" "$out/corpus" corpus \
  -runs="${RUNS:-1000000}" -seed="${SEED:-1}" -max_len=20000 -timeout=2 -rss_limit_mb=1024 \
  -dict=propagation.dict -artifact_prefix="$out/" -print_final_stats=1 -verbosity="${VERBOSITY:-1}"
