#!/usr/bin/env bash
# Checks that the telemetry crate builds with none of its features and with each alone.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

require_rust
mapfile -t features < <(cargo metadata --no-deps --format-version 1 | jq --raw-output \
  '.packages[] | select(.name == "telemetry") | .features | keys[] | select(. != "default")')
((${#features[@]} > 0)) || fail "the telemetry crate has no features"
for feature in "" "${features[@]}"; do
  say "${feature:-no feature}"
  cargo clippy --quiet --release --package telemetry --lib --no-default-features --features "$feature" -- --deny warnings
done
