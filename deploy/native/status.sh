#!/usr/bin/env bash
# make status: the state of every process. Exits with status 1 when one is not running or not ready.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

if ! [[ -f $supervisor_conf ]] || ! supervisor_runs; then
  say "the stack is not running; make up starts it"
  exit 1
fi
print_table
