# shellcheck shell=bash
# Which process listens on a port, and whether it belongs to this stack. Read from /proc, so that no package is needed.

# Prints a line "PORT PID" for each TCP port that somebody listens on; the pid is "?" for a process that this user may
# not look into.
listeners() {
  {
    find /proc/[0-9]*/fd -lname 'socket:*' -printf '%h %l\n' 2>/dev/null || true
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
  } | awk '
    function number(hex,   i, n) {
      for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
      return n
    }
    NF == 2 { split($1, path, "/"); gsub(/[^0-9]/, "", $2); holder[$2] = path[3]; next }
    $4 == "0A" { split($2, address, ":"); print number(address[2]), ($10 in holder ? holder[$10] : "?") }' | sort -un
}

port_is_free() { ! listeners | grep "^$1 " >/dev/null; }

# Was this process started by the supervisor of this stack, even if that supervisor is gone?
belongs_to_stack() {
  tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | grep -qxF "SUPERVISOR_SERVER_URL=unix://$socket"
}

# Ends the processes that a killed supervisor has left behind: they would keep holding the ports.
end_orphans() {
  local environ pid
  local -a orphans=()
  for environ in /proc/[0-9]*/environ; do
    pid=${environ#/proc/}
    pid=${pid%/environ}
    if [[ $pid != "$$" ]] && belongs_to_stack "$pid"; then orphans+=("$pid"); fi
  done
  ((${#orphans[@]} > 0)) || return 0
  say "ending ${#orphans[@]} processes of an earlier run whose supervisor is gone: ${orphans[*]}"
  kill -TERM "${orphans[@]}" 2>/dev/null || true
  for _ in {1..100}; do
    kill -0 "${orphans[@]}" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "${orphans[@]}" 2>/dev/null || true
}

# Names every port of the given processes that someone else holds.
check_ports() {
  local name port pid taken=0
  local -A holder=()
  while read -r port pid; do holder[$port]=$pid; done < <(listeners)
  for name in "$@"; do
    for port in ${ports[$name]}; do
      pid=${holder[$port]:-}
      if [[ $pid == '?' ]]; then
        say "port $port, which $name needs, is held by a process of another user (sudo ss -ltnp 'sport = $port' names it)"
        taken=1
      elif [[ -n $pid ]] && ! belongs_to_stack "$pid"; then
        say "port $port, which $name needs, is held by process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-80)"
        taken=1
      fi
    done
  done
  ((taken == 0)) || return 1
  say "every port is free or ours"
}
