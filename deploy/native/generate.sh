#!/usr/bin/env bash
# make generate: writes what follows from the registries of signals, the alert rules, their tests, the runbooks, the
# dashboards, the OpenAPI document, the tables of docs/configuration.md and the locks of the fuzzing and the benchmarks anew from their sources.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

# First, and alone: the rest may be waiting for a name that it makes.
require_rust
cargo build --quiet --release --workspace --bin registry
"$(release_dir)/registry" generate
build_code --quiet
"$(release_dir)/alerts" generate
"$(release_dir)/dashboards" generate
document=$("$(release_dir)/gateway" openapi)
printf '%s\n' "$document" >"$top/services/gateway/openapi.json"
(cd "$top" && cargo test --quiet --release --workspace --lib -- --ignored write_the_page >/dev/null)
for part in telemetry/fuzz telemetry/benches; do
  cargo metadata --quiet --format-version 1 --manifest-path "$top/$part/Cargo.toml" >/dev/null
done
