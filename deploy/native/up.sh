#!/usr/bin/env bash
# make up: installs what is missing, builds and starts the whole stack on this machine, and runs a first minute of
# auctions. LOAD=0 leaves out the seed and the auctions.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

load=${LOAD:-${BIDTRACE_UP_LOAD:-1}}
rate=${RATE:-2}
gateway=http://127.0.0.1:8080
result="$stack/loadtest.json"

check_all_ports() {
  supervisor_runs || end_orphans
  check_ports "${all_backends[@]}" "${services[@]}"
}

start_backends() {
  render_stack
  start_supervisor
  start_processes "${all_backends[@]}"
  await_ready 60 "${all_backends[@]}"
  # Rules and targets may have changed while Prometheus was up.
  curl --noproxy '*' --silent --fail --max-time 10 -X POST http://127.0.0.1:9090/-/reload
  say "${all_backends[*]}: ready"
}

start_services() {
  start_processes "${services[@]}"
  await_ready 60 "${services[@]}"
}

seed() { "$(release_dir)/loadtest" seed --gateway "$gateway"; }

# Missed objectives do not fail make up; only a run without a result does.
run_auctions() {
  rm -f "$result"
  "$(release_dir)/loadtest" run --gateway "$gateway" --rate "$rate" --duration "${seconds}s" --json "$result" || true
  [[ -s $result ]]
}

print_summary() {
  printf '\nauctions awarded: %s\nSLO verdict:      %s\na trace to read:  %s\n' \
    "$(read_result .awarded)" "$(read_result '[.verdict, .reasons[]] | join("; ")')" "$(read_result .trace_url)"
}

read_result() { jq -r "$1 // empty" "$result"; }

began=$SECONDS
load_credentials
mkdir -p "$logs"
exec 9>"$stack/up.lock"
flock --nonblock 9 || fail "another make up of this clone is running" "wait for it to end"

seconds=60
if supervisor_runs; then
  say "the stack is running: only what has changed is restarted"
  seconds=15
fi
seconds=${SECONDS_OF_LOAD:-$seconds}
all_backends=("${backends[@]}")
[[ -z $(grafana_program) ]] || all_backends+=(grafana)

steps_total=6
[[ $load == 0 ]] || steps_total=8

step "Install what is missing" "install the packages named above, then run make up again" \
  install_packages "${native_packages[@]}"
step "Look at the ports" "stop the processes named above (kill PID), or make down in the clone that they belong to" \
  check_all_ports
step "Build Jaeger, Prometheus, Alertmanager, NATS" \
  "see the lines above; the next make up resumes a download that failed" \
  provide_programs
step "Build the services" "mend what the compiler names, then run make up again" build_code
step "Start the backends" "make logs SERVICE=... shows more; make down && make up starts afresh" start_backends
step "Start the services" "make logs SERVICE=... shows more; make down && make up starts afresh" start_services
if [[ $load != 0 ]]; then
  step "Seed accounts and restaurants" "make logs SERVICE=gateway; make clean forgets all data" seed
  step "$seconds seconds of auctions" "make status, then make logs SERVICE=gateway" run_auctions
fi

printf '\n'
print_table || say "a process is not ready: try make status again in a moment, and make logs SERVICE=..."
[[ $load == 0 ]] || print_summary
printf '\nup after %s. make status, make logs SERVICE=auction, make loadtest, make down.\n' "$(clock $((SECONDS - began)))"
