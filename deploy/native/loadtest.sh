#!/usr/bin/env bash
# make loadtest: whole auctions on schedule against the running stack. RATE is auctions per second, DURATION such as 60s.
# Ends with status 1 when an SLO is missed.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

supervisor_runs || fail "the stack is not running" "make up"
build_code --quiet
load_credentials
exec "$(release_dir)/loadtest" run --gateway http://127.0.0.1:8080 \
  --rate "${RATE:-2}" --duration "${DURATION:-60s}" --json "$stack/loadtest.json"
