# shellcheck shell=bash
# The table of make status.

# Resident memory of a process in KiB, 0 when it is gone.
resident_kib() {
  awk '/^VmRSS:/ { kib = $2 } END { print kib + 0 }' "/proc/$1/status" 2>/dev/null || echo 0
}

mib() { printf '%d MB' $((($1 + 512) / 1024)); }

describe() {
  case $1 in
    gateway) echo "http://127.0.0.1:8080 (Swagger UI: /docs)" ;;
    jaeger) echo "http://127.0.0.1:16686 (traces arrive on 4317, 4318)" ;;
    prometheus | alertmanager | grafana) echo "http://127.0.0.1:$(main_port "$1")" ;;
    nats) echo "nats://127.0.0.1:4222" ;;
    payment) echo "http://127.0.0.1:$(main_port "$1")" ;;
    *) echo "grpc 127.0.0.1:$(main_port "$1")" ;;
  esac
}

# Prints the table; returns 1 when a process is not running or not ready.
print_table() {
  local name kib total=0 ready wrong=0 pid
  local row='%-14s %-9s %8s  %-6s %8s  %s\n'
  read_states
  # shellcheck disable=SC2059
  printf "$row" PROCESS STATE PID READY MEMORY WHERE
  for name in $(known_processes); do
    pid=${pid_of[$name]:-}
    kib=0 ready=no
    if [[ -n $pid ]]; then
      kib=$(resident_kib "$pid")
      if is_ready "$name"; then ready=yes; fi
    fi
    [[ $ready == yes ]] || wrong=1
    total=$((total + kib))
    # shellcheck disable=SC2059
    printf "$row" "$name" "${state_of[$name]:-STOPPED}" "${pid:--}" "$ready" "$(mib "$kib")" "$(describe "$name")"
  done
  pid=$(cat "$stack/supervisord.pid" 2>/dev/null || true)
  if [[ -n $pid ]]; then
    kib=$(resident_kib "$pid")
    total=$((total + kib))
    # shellcheck disable=SC2059
    printf "$row" supervisor RUNNING "$pid" - "$(mib "$kib")" "make status, make logs SERVICE=..., make down"
  fi
  printf 'memory of the whole stack: %s\n' "$(mib $total)"
  return $wrong
}
