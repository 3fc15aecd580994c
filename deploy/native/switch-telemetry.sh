#!/usr/bin/env bash
# switch-telemetry.sh on|off: restarts the services of the stack that is up with their telemetry on or off, and prints a
# line NAME PID for each once all are ready. For make overhead, which restores the configuration.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

case ${1:-} in
  on) disabled=false ;;
  off) disabled=true ;;
  *) fail "switch-telemetry.sh takes on or off" ;;
esac
[[ -f $rendered_conf ]] || fail "there is no $rendered_conf to start from" "make overhead"

# When a variable is set twice, the supervisor takes the later value.
names=$(IFS='|' && printf '%s' "${services[*]}")
sed -E "/^\[program:($names)\]\$/,/^environment=/s/^environment=.*/&,OTEL_SDK_DISABLED=\"$disabled\"/" \
  "$rendered_conf" >"$supervisor_conf.new"
chmod 600 "$supervisor_conf.new"
mv "$supervisor_conf.new" "$supervisor_conf"

log="$logs/switch-telemetry.log"
restart_services >"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  fail "the services did not come up with their telemetry $1" "make logs SERVICE=..."
}
read_states
for name in "${services[@]}"; do
  # A process of somebody else could be the one that answers on the port.
  [[ -n ${pid_of[$name]:-} ]] || fail "the $name that is ready does not belong to this stack" "stop the process that holds port $(main_port "$name")"
  printf '%s %s\n' "$name" "${pid_of[$name]}"
done
