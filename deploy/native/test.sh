#!/usr/bin/env bash
# make test: every test, against the real components. Servers that only the tests need are started here and ended
# afterwards. A stack that is up is used and left up; else one is started for the end-to-end tests and stopped afterwards.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
source "$pieces/throwaway.sh"

own_stack=

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  end_throwaways
  [[ -z $own_stack ]] || stop_stack >/dev/null 2>&1
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

phase() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@" </dev/null
  printf '== %s: passed after %s\n' "$name" "$(clock $((SECONDS - began)))"
}

prepare() {
  install_packages "${native_packages[@]}" "${test_packages[@]}"
  require_rust
  provide_programs
  provide_test_python
}

bring_up() {
  if supervisor_runs; then
    say "the stack that is running is used"
    LOAD=0 "$pieces/up.sh"
    return
  fi
  own_stack=yes
  LOAD=0 "$pieces/up.sh"
}

# By name out of the whole workspace, so that nothing is compiled again (see code.sh).
end_to_end() {
  cargo test --release --workspace --features loadtest/e2e --test e2e -- --test-threads=1
}

# The feature is no default, so that its tests and examples are compiled apart.
reqwest_middleware() {
  cargo build --release --package telemetry --features reqwest --example reqwest
  cargo build --release --package telemetry --features reqwest --example reqwest
  cargo test --release --package telemetry --features reqwest --test reqwest
  cargo test --release --package telemetry --features reqwest --doc -- http AdoptersPages
}

phase "what the tests need" prepare
phase "format" cargo fmt --all --check
phase "lints" cargo clippy --release --workspace --all-targets --features loadtest/e2e -- --deny warnings
phase "the telemetry crate with each of its features alone" "$pieces/features.sh"
phase "licences, bans and sources of the dependencies" "$pieces/deny.sh" licenses bans sources
start_throwaways
PROMTOOL=$(program promtool)
JAEGER=$(program jaeger)
PROMETHEUS=$(program prometheus)
BIDTRACE_TEST_PYTHON=$(test_python)
export PROMTOOL JAEGER PROMETHEUS BIDTRACE_TEST_PYTHON
phase "tests" cargo test --release --workspace --no-fail-fast
phase "the middleware for reqwest" reqwest_middleware
phase "generated files, configurations and alert rules" "$pieces/check.sh"
phase "the stack" bring_up
load_credentials
# The output ends with that of the test runner.
printf '\n== end to end, on the running stack\n'
end_to_end </dev/null
