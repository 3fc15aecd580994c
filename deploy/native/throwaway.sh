# shellcheck shell=bash
# A PostgreSQL and a NATS for the tests, on free ports of loopback; their folder is removed with them.

throwaway_dir=
declare -A throwaway_pid=()

# A port that nothing listens on. Should another process take it first, the server fails to start and the tests end.
free_port() {
  local port
  while true; do
    port=$((20000 + RANDOM % 12000))
    if port_is_free "$port"; then
      printf '%s\n' "$port"
      return
    fi
  done
}

# Waits up to 20 s for a command to succeed.
await() {
  local what=$1
  shift
  for _ in {1..200}; do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  fail "$what did not come up" "see $throwaway_dir"
}

start_postgres() {
  local port bin
  local -a as=()
  port=$(free_port)
  bin=$(postgres_bin)
  mkdir "$throwaway_dir/postgres"
  # PostgreSQL refuses to be root; its package has brought a user for it.
  if ((EUID == 0)); then
    as=(runuser -u postgres --)
    chown postgres "$throwaway_dir/postgres"
  fi
  (
    cd "$throwaway_dir"
    "${as[@]}" "$bin/initdb" --pgdata "$throwaway_dir/postgres" --username postgres --auth trust --encoding UTF8 \
      --no-locale --no-sync
  ) >"$throwaway_dir/initdb.log" 2>&1 || fail "initdb" "see $throwaway_dir/initdb.log"
  (
    cd "$throwaway_dir/postgres"
    exec "${as[@]}" "$bin/postgres" -D "$throwaway_dir/postgres" -h 127.0.0.1 -p "$port" -k '' \
      -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300
  ) >"$throwaway_dir/postgres.log" 2>&1 </dev/null &
  throwaway_pid[postgres]=$!
  await PostgreSQL "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"
  export BIDTRACE_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
}

start_nats() {
  local port
  port=$(free_port)
  "$(program nats-server)" --jetstream --addr 127.0.0.1 --port "$port" --store_dir "$throwaway_dir/nats" \
    >"$throwaway_dir/nats.log" 2>&1 </dev/null &
  throwaway_pid[nats]=$!
  await NATS grep -q 'Server is ready' "$throwaway_dir/nats.log"
  export BIDTRACE_TEST_NATS_URL="nats://127.0.0.1:$port"
}

start_throwaways() {
  throwaway_dir=$(mktemp -d "${TMPDIR:-/tmp}/bidtrace-test-XXXXXX")
  chmod 755 "$throwaway_dir"
  start_postgres
  start_nats
}

# PostgreSQL ends at once on SIGINT, without waiting for its clients. Behind runuser it is not our child, so its own
# file says which process it is.
end_throwaways() {
  # Nothing was started. (An empty folder would name /postgres.)
  [[ -n $throwaway_dir ]] || return 0
  local postmaster="$throwaway_dir/postgres/postmaster.pid"
  [[ ! -f $postmaster ]] || kill -INT "$(head -n 1 "$postmaster")" 2>/dev/null || true
  [[ -z ${throwaway_pid[nats]:-} ]] || kill -TERM "${throwaway_pid[nats]}" 2>/dev/null || true
  wait "${throwaway_pid[@]}" 2>/dev/null || true
  rm -rf "$throwaway_dir"
}
