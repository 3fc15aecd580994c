#!/usr/bin/env bash
# make overhead: what the tracing costs the services, as processor time per awarded auction with their telemetry on, in
# multiples of the same with OTEL_SDK_DISABLED=true. RATE is auctions per second, DURATION how long each phase opens
# auctions, ROUNDS how many pairs of phases there are; BUSY=0 lets the processors rest. Ends with status 1 when the goal is
# missed.
#
# A stack that is up is used and left up, and its services get back the settings that they had; else one is started, and
# stopped afterwards.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

own_stack=
changed=
measuring=
busy=()

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  ((${#busy[@]} == 0)) || kill "${busy[@]}" 2>/dev/null || true
  if [[ -n $measuring ]]; then
    kill -TERM -- "-$measuring" 2>/dev/null || true
    wait "$measuring" 2>/dev/null || true
  fi
  [[ -z $changed ]] || mv "$rendered_conf" "$supervisor_conf"
  if [[ -n $own_stack ]]; then
    stop_stack >/dev/null 2>&1
  elif [[ -n $changed ]]; then
    say "the services get back the telemetry that they had"
    restart_services >/dev/null || say "a service is not ready: make up"
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

install_packages "${native_packages[@]}" >/dev/null
build_code --quiet
measurement=(
  "$(release_dir)/loadtest" overhead --rate "${RATE:-10}" --duration "${DURATION:-15s}" --rounds "${ROUNDS:-6}"
  --switch "$pieces/switch-telemetry.sh" --json "$stack/overhead.json"
)
# Fails before anything is started when it could not be measured.
"${measurement[@]}" --dry-run

if ! supervisor_runs; then
  own_stack=yes
  LOAD=0 "$pieces/up.sh"
fi
load_credentials
exec 9>"$stack/up.lock"
flock --nonblock 9 || fail "a make up or make overhead of this clone is at work" "wait for it to end"
# One that was killed has left the configuration as make up rendered it.
[[ -f $rendered_conf ]] || cp -p "$supervisor_conf" "$rendered_conf"
changed=yes
# The same work takes another time on a processor that others keep awake or share. The collector's own time is not
# counted, but this effect of it would be. So loops of the lowest priority keep every processor busy in all phases.
[[ ${BUSY:-1} == 0 ]] || for ((thread = 0; thread < $(nproc); thread++)); do
  nice -n 19 timeout 1h bash -c 'while :; do :; done' &
  busy+=($!)
done
# In a process group of its own, so that it can be ended together with what it has started.
set -m
"${measurement[@]}" </dev/null &
measuring=$!
set +m
wait "$measuring"
