#!/usr/bin/env bash
# make status: what runs where. Ends with status 1 when something that should run does not.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

if ! [[ -f $supervisor_conf ]] || ! supervisor_runs; then
  say "the stack is not running; make up starts it"
  exit 1
fi
print_table
