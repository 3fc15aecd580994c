#!/usr/bin/env bash
# make deny, make advisories: runs cargo-deny with the named checks. Installs it when it is missing, which takes some
# minutes.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

readonly cargo_deny=0.20.2

require_rust >/dev/null
if ! PATH="$PATH:$cache/cargo/bin" command -v cargo-deny >/dev/null; then
  say "installing cargo-deny $cargo_deny into $cache"
  cargo install --locked --root "$cache/cargo" "cargo-deny@$cargo_deny"
fi
PATH="$PATH:$cache/cargo/bin" cargo deny check "$@"
