#!/usr/bin/env bash
# make mutants: breaks the code in each of the ways in conformance/mutants, and sees the conformance matrix turn red where
# the patch says so. ONLY='grpc-*' runs those whose names match.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
source "$pieces/throwaway.sh"

xtask_pid=

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  # It ends what it has started, and removes its tree.
  [[ -z $xtask_pid ]] || kill -TERM "$xtask_pid" 2>/dev/null || true
  [[ -z $xtask_pid ]] || wait "$xtask_pid" 2>/dev/null || true
  end_throwaways
  exit "$status"
}

install_packages "${native_packages[@]}" "${test_packages[@]}"
provide_programs
build_code --quiet
trap clean_up EXIT
trap 'exit 130' INT TERM
start_throwaways
# In the background, because a shell that waits for a command in the foreground does not handle signals.
"$(release_dir)/xtask" mutants --only "${ONLY:-*}" </dev/null &
xtask_pid=$!
status=0
wait "$xtask_pid" || status=$?
xtask_pid=
((status == 0))
