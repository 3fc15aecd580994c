#!/usr/bin/env bash
# make logs SERVICE=name: follows a process's log; FOLLOW=0 prints its last lines and ends.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

names="${services[*]} ${backends[*]} grafana"
name=${SERVICE:-}
is_process "$name" || fail "no process is called '$name'" "make logs SERVICE=one of: $names"
[[ -f $logs/$name.log ]] || fail "$name has written no log in this clone" "make up starts the stack"
if [[ ${FOLLOW:-1} == 0 ]]; then
  tail -n "${LINES_OF_LOG:-100}" "$logs/$name.log"
else
  exec tail -n "${LINES_OF_LOG:-100}" -F "$logs/$name.log"
fi
