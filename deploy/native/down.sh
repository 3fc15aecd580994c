#!/usr/bin/env bash
# make down: stops the stack, the services first. Data and logs stay.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

if ! [[ -f $supervisor_conf ]]; then
  say "nothing to stop: the stack was never up in this clone"
  exit 0
fi
supervisor_runs || say "the stack is not running"
stop_stack
say "down; data and logs are kept in .stack/ (make clean removes them)"
