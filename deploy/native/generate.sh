#!/usr/bin/env bash
# make generate: writes the alert rules, their tests, the runbooks, the dashboards, the OpenAPI document, the tables of
# docs/configuration.md and the lock of the fuzzing anew from their sources.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

build_code --quiet
"$(release_dir)/alerts" generate
"$(release_dir)/dashboards" generate
document=$("$(release_dir)/gateway" openapi)
printf '%s\n' "$document" >"$top/services/gateway/openapi.json"
(cd "$top" && cargo test --quiet --release --workspace --lib -- --ignored write_the_page >/dev/null)
cargo metadata --quiet --format-version 1 --manifest-path "$top/telemetry/fuzz/Cargo.toml" >/dev/null
