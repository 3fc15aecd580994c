# shellcheck shell=bash
# Who holds a port, and whether that is a process of this stack. Read from /proc, so that no package is needed.

# Prints the process ids that listen on TCP port $1, or "?" for a process that this user may not look into.
holders_of() {
  local port inode found=
  port=$(printf '%04X' "$1")
  while read -r inode; do
    found=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | cut -d/ -f3 | sort -un)
    printf '%s\n' "${found:-?}"
  done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$port" '$4 == "0A" && $2 ~ port "$" { print $10 }')
}

port_is_free() { [[ -z $(holders_of "$1") ]]; }

# Was this process started by the supervisor of this stack, even if that supervisor is gone?
belongs_to_stack() {
  tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | grep -qxF "SUPERVISOR_SERVER_URL=unix://$socket"
}

# What a supervisor that was killed has left behind would hold the ports for ever.
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
  for name in "$@"; do
    for port in ${ports[$name]}; do
      for pid in $(holders_of "$port"); do
        if [[ $pid == '?' ]]; then
          say "port $port, which $name needs, is held by a process of another user (sudo ss -ltnp 'sport = $port' names it)"
        elif belongs_to_stack "$pid"; then
          continue
        else
          say "port $port, which $name needs, is held by process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-80)"
        fi
        taken=1
      done
    done
  done
  ((taken == 0)) || return 1
  say "every port is free"
}
