#!/usr/bin/env bash
# make deny, make advisories: cargo-deny with the checks that are named. Installs it when the machine lacks it, which
# takes some minutes once.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

readonly cargo_deny=0.20.2

require_rust >/dev/null
if ! PATH="$PATH:$cache/cargo/bin" command -v cargo-deny >/dev/null; then
  say "installing cargo-deny $cargo_deny into $cache"
  cargo install --locked --root "$cache/cargo" "cargo-deny@$cargo_deny"
fi
PATH="$PATH:$cache/cargo/bin" cargo deny check "$@"
