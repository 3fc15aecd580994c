#!/usr/bin/env bash
# make generate: writes every generated file from its sources, and the locks of the separate workspaces.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

# Alone and first: the rest may not compile until the names that this makes are there.
require_rust
cargo build --quiet --release --workspace --bin signals
"$(release_dir)/signals"
build_code --quiet
"$(release_dir)/xtask" generate
