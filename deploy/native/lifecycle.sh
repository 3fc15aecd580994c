# shellcheck shell=bash
# Starting, awaiting and stopping the processes of the stack, through its supervisor.

# Starts the supervisor. One that runs already reads the configuration again, and restarts the processes whose part of it
# has changed.
start_supervisor() {
  if supervisor_runs; then
    control update
  else
    end_orphans
    rm -f "$socket" "$stack/supervisord.pid"
    env -i PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 TMPDIR="${TMPDIR:-/tmp}" \
      supervisord --configuration "$supervisor_conf" 9>&-
  fi
}

# The program that a process should be running, from the configuration.
program_in_conf() {
  sed -n "/^\[program:$1\]$/,/^environment=/s/^command=\"\([^\"]*\)\".*/\1/p" "$supervisor_conf" | sed 's/%%/%/g'
}

# Has the supervisor do the same for several processes at once; in one command, it would do one after the other.
control_each() {
  local action=$1 name
  shift
  for name in "$@"; do
    control "$action" "$name" </dev/null &
  done
  wait
}

# Starts the processes that are stopped, and restarts those whose program has been rebuilt since they were started.
start_processes() {
  local name
  local -a stopped=() outdated=()
  read_states
  for name in "$@"; do
    if [[ ${state_of[$name]:-} != RUNNING ]]; then
      stopped+=("$name")
    elif [[ ! "/proc/${pid_of[$name]}/exe" -ef "$(program_in_conf "$name")" ]]; then
      outdated+=("$name")
    fi
  done
  ((${#outdated[@]} == 0)) || control_each restart "${outdated[@]}"
  ((${#stopped[@]} == 0)) || control_each start "${stopped[@]}"
}

# Waits until every named process reports that it is ready. Fails with the end of the log of one that the supervisor has
# given up on, or that is not ready in time.
await_ready() {
  local limit=$1 began=$SECONDS last_look=$SECONDS name
  local -a waiting=("${@:2}") still
  while true; do
    still=()
    for name in "${waiting[@]}"; do
      is_ready "$name" || still+=("$name")
    done
    waiting=("${still[@]}")
    ((${#waiting[@]} > 0)) || break
    say "waiting for ${waiting[*]}"
    if ((SECONDS - last_look >= 2)); then
      last_look=$SECONDS
      read_states
      for name in "${waiting[@]}"; do
        [[ ${state_of[$name]:-} != FATAL ]] || { not_ready "$name" "exits whenever it is started"; return 1; }
      done
    fi
    if ((SECONDS - began >= limit)); then
      not_ready "${waiting[0]}" "is not ready after $limit s"
      return 1
    fi
    sleep 0.2
  done
  say "${*:2}: ready"
}

not_ready() {
  say "$1 $2; its readiness: $(curl --noproxy '*' --silent --max-time 2 "http://127.0.0.1${ready_path[$1]}" | head -c 300 || true)"
  say "the end of .stack/logs/$1.log:"
  tail -n 16 "$logs/$1.log" 2>/dev/null | cut -c1-300
}

# The gateway first, so that no request is cut off halfway; the backends last, so that the services can still export
# their spans.
stop_stack() {
  if supervisor_runs; then
    stop_running gateway
    stop_running "${services[@]}"
    stop_running "${backends[@]}" grafana
    control shutdown
    for _ in {1..300}; do
      [[ -e $socket ]] || break
      sleep 0.1
    done
  fi
  end_orphans
  rm -f "$socket" "$stack/supervisord.pid"
}

# Restarts the services with the configuration as it is now; the gateway stops first.
restart_services() {
  stop_running gateway
  stop_running "${services[@]}"
  start_supervisor
  start_processes "${services[@]}"
  await_ready 60 "${services[@]}"
}

# Stops the named processes that are running, all at once.
stop_running() {
  local name
  local -a running=()
  read_states
  for name in "$@"; do
    [[ -z ${pid_of[$name]:-} ]] || running+=("$name")
  done
  ((${#running[@]} == 0)) || control_each stop "${running[@]}"
}
