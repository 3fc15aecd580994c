# shellcheck shell=bash
# The supervisor of this clone's stack: renders its configuration, and sends it commands. It is not the system-wide one:
# its socket, log and process id file are in .stack/.

socket=$(supervisor_socket)
supervisor_conf="$stack/supervisord.conf"
# A copy as make up has rendered it, while make overhead changes the other.
rendered_conf="$supervisor_conf.rendered"

control() { supervisorctl --configuration "$supervisor_conf" "$@"; }

supervisor_runs() { [[ -S $socket ]] && control pid >/dev/null 2>&1; }

# Sets the arrays state_of and pid_of, for every process that the supervisor knows.
declare -A state_of=() pid_of=()
read_states() {
  local name state word pid _
  state_of=() pid_of=()
  supervisor_runs || return 0
  while read -r name state word pid _; do
    state_of[$name]=$state
    [[ $word != pid ]] || pid_of[$name]=${pid%,}
  done < <(control status || true)
}

# The names of the processes in the rendered configuration.
known_processes() {
  [[ -f $supervisor_conf ]] || return 0
  sed -n 's/^\[program:\(.*\)\]$/\1/p' "$supervisor_conf"
}

# One value for the supervisor's configuration: it expands %, and knows quotes but no escapes within them.
quoted() {
  local value=${1//%/%%}
  if [[ $value == *$'\n'* || ($value == *'"'* && $value == *"'"*) ]]; then
    say "this value cannot be given to the supervisor (a line break, or both kinds of quotes): $1" >&2
    return 1
  fi
  if [[ $value == *'"'* ]]; then printf "'%s'" "$value"; else printf '"%s"' "$value"; fi
}

# One [program] section: NAME, the seconds it may take to stop, then NAME=VALUE words of environment, --, the command.
program_section() {
  local name=$1 patience=$2 environment='' command='' word
  shift 2
  while [[ $1 != -- ]]; do
    environment+="${environment:+,}${1%%=*}=$(quoted "${1#*=}")"
    shift
  done
  shift
  for word in "$@"; do command+="${command:+ }$(quoted "$word")"; done
  cat <<SECTION

[program:$name]
command=$command
environment=$environment
directory=$(quoted_path "$top")
autostart=false
autorestart=true
startsecs=1
startretries=20
stopsignal=TERM
stopwaitsecs=$patience
stdout_logfile=$(quoted_path "$(quoted_path "$logs/$name.log")")
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
redirect_stderr=true
SECTION
}

# Escapes a path, which is not quoted in the configuration. (The log's path is expanded twice.)
quoted_path() { printf '%s' "${1//%/%%}"; }

# A hash of files. In a process's environment, it has the supervisor restart the process when one of them changes.
digest() { cat "$@" | sha256sum | cut -c1-12; }

# The exported variables that are handed on to the services: OpenTelemetry's and our own.
exported_for_services() {
  local name
  while read -r name; do
    case $name in
      # Not for the services, or not the same for all of them.
      BIDTRACE_CACHE | BIDTRACE_UP_* | BIDTRACE_TEST_* | BIDTRACE_LISTEN | BIDTRACE_ADMIN_LISTEN) ;;
      BIDTRACE_DATABASE_URL | BIDTRACE_ADMIN_* | BIDTRACE_LOAD_*) ;;
      OTEL_* | BIDTRACE_* | RUST_LOG | RUST_BACKTRACE) printf '%s=%s\0' "$name" "${!name}" ;;
    esac
  done < <(compgen -e)
}

# Where a service keeps its data: a file of its own, or what BIDTRACE_DATABASE_URL says with {service} in it, such as
# postgres://me@127.0.0.1/bidtrace_{service}.
database_url() {
  local given=${BIDTRACE_DATABASE_URL:-sqlite://$data/{service\}.db?mode=rwc}
  if [[ $given != *'{service}'* ]]; then
    say "BIDTRACE_DATABASE_URL must contain {service}: every service has a database of its own" >&2
    return 1
  fi
  printf '%s\n' "${given//'{service}'/$1}"
}

render_services() {
  local release=$1 name
  local -a given=() secrets
  mapfile -d '' given < <(exported_for_services)
  load_credentials
  for name in "${services[@]}"; do
    secrets=()
    if [[ $name == account ]]; then
      secrets=(
        "BIDTRACE_ADMIN_EMAIL=$BIDTRACE_ADMIN_EMAIL" "BIDTRACE_ADMIN_PASSWORD=$BIDTRACE_ADMIN_PASSWORD"
        "BIDTRACE_LOAD_EMAIL=$BIDTRACE_LOAD_EMAIL" "BIDTRACE_LOAD_PASSWORD=$BIDTRACE_LOAD_PASSWORD"
      )
    fi
    # MALLOC_MMAP_THRESHOLD_ makes glibc return large blocks at once; it would keep 19 MB for every thread that has hashed a
    # password. Exported variables come last, because the last value of a variable counts.
    program_section "$name" 30 \
      "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317" \
      "BIDTRACE_STRICT=true" \
      "BIDTRACE_DATABASE_URL=$(database_url "$name")" \
      "BIDTRACE_FAULTS=$faults" \
      "MALLOC_MMAP_THRESHOLD_=1048576" \
      "${secrets[@]}" "${given[@]}" \
      -- "$release/$name"
  done
}

render_backends() {
  local jaeger=$1 prometheus=$2 alertmanager=$3 nats=$4 grafana=$5 name
  local -a tail_sampling=()
  for name in "${!JAEGER_TAIL_SAMPLING_@}"; do
    tail_sampling+=("$name=${!name}")
  done

  program_section jaeger 15 \
    "GOMEMLIMIT=550MiB" \
    ${JAEGER_MAX_TRACES:+"JAEGER_MAX_TRACES=$JAEGER_MAX_TRACES"} \
    ${JAEGER_MEMORY_LIMIT_MIB:+"JAEGER_MEMORY_LIMIT_MIB=$JAEGER_MEMORY_LIMIT_MIB"} \
    "${tail_sampling[@]}" \
    "JAEGER_SAMPLING_STRATEGIES=$deploy/jaeger/sampling-strategies.json" \
    "JAEGER_UI_CONFIG=$deploy/jaeger/ui.json" \
    "JAEGER_UI_ASSETS=$(jaeger_ui)" \
    "CONFIG_DIGEST=$(digest "$deploy/jaeger/config.yaml" "$deploy/jaeger/ui.json")" \
    -- "$jaeger" --config "$deploy/jaeger/config.yaml"

  program_section prometheus 15 \
    "GOMEMLIMIT=200MiB" \
    "CONFIG_DIGEST=$(digest "$deploy/prometheus/prometheus.yml")" \
    -- "$prometheus" \
    "--config.file=$stack/prometheus/prometheus.yml" \
    "--storage.tsdb.path=$data/prometheus" \
    --storage.tsdb.retention.time=2d \
    --storage.tsdb.retention.size=512MB \
    --enable-feature=exemplar-storage \
    --web.enable-lifecycle \
    --web.listen-address=127.0.0.1:9090

  program_section alertmanager 15 \
    "GOMEMLIMIT=60MiB" \
    "CONFIG_DIGEST=$(digest "$deploy/alertmanager/alertmanager.yml")" \
    -- "$alertmanager" \
    "--config.file=$deploy/alertmanager/alertmanager.yml" \
    "--storage.path=$data/alertmanager" \
    --cluster.listen-address= \
    --web.listen-address=127.0.0.1:9093

  program_section nats 15 \
    "GOMEMLIMIT=100MiB" \
    "CONFIG_DIGEST=$(digest "$deploy/nats/nats.conf")" \
    -- "$nats" --config "$deploy/nats/nats.conf" \
    --addr 127.0.0.1 --port 4222 --http_port 8222 --store_dir "$data/nats"

  [[ -z $grafana ]] || render_grafana "$grafana"
}

render_grafana() {
  local grafana=$1 home=/usr/share/grafana
  [[ -d $home/public ]] || home=$(dirname "$(dirname "$grafana")")
  local -a command=("$grafana")
  [[ $(basename "$grafana") == grafana-server ]] || command+=(server)
  program_section grafana 15 \
    "GF_SERVER_HTTP_ADDR=127.0.0.1" \
    "GF_SERVER_HTTP_PORT=3000" \
    "GF_PATHS_DATA=$data/grafana" \
    "GF_PATHS_LOGS=$data/grafana/log" \
    "GF_PATHS_PLUGINS=$data/grafana/plugins" \
    "GF_PATHS_PROVISIONING=$deploy/grafana/provisioning" \
    "GF_AUTH_ANONYMOUS_ENABLED=true" \
    "GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer" \
    "GF_ANALYTICS_REPORTING_ENABLED=false" \
    "GF_ANALYTICS_CHECK_FOR_UPDATES=false" \
    "GF_NEWS_NEWS_FEED_ENABLED=false" \
    "PROMETHEUS_URL=http://127.0.0.1:9090" \
    "ALERTMANAGER_URL=http://127.0.0.1:9093" \
    "JAEGER_URL=http://127.0.0.1:16686" \
    "JAEGER_PUBLIC_URL=http://127.0.0.1:16686" \
    "DASHBOARDS_DIR=$top/dashboards/json" \
    -- "${command[@]}" --homepath "$home"
}

# Prometheus reads its targets and rules beside its configuration: this makes a folder of links to all three. Prometheus
# watches the folder, so a link that is right is not replaced.
stage_prometheus() {
  local folder=$1 grafana=$2 target stale
  mkdir -p "$folder/targets"
  link "$deploy/prometheus/prometheus.yml" "$folder/prometheus.yml"
  link "$top/alerts/generated" "$folder/rules"
  for target in "$deploy"/prometheus/targets/native/*; do
    if [[ $(basename "$target") == grafana.json && -z $grafana ]]; then
      rm -f "$folder/targets/grafana.json"
    else
      link "$target" "$folder/targets/$(basename "$target")"
    fi
  done
  # A link whose file has been renamed leads nowhere.
  for stale in "$folder"/targets/*; do
    [[ -e $stale ]] || rm -f "$stale"
  done
}

link() { [[ $(readlink "$2") == "$1" ]] || ln -sfn "$1" "$2"; }

# Writes the configuration of the supervisor, with the programs that are built or installed now.
render_stack() {
  local release jaeger prometheus alertmanager nats grafana
  release=$(release_dir)
  jaeger=$(program jaeger)
  prometheus=$(program prometheus)
  alertmanager=$(program alertmanager)
  nats=$(program nats-server)
  grafana=$(grafana_program)

  mkdir -p "$logs" "$data" "$faults"
  stage_prometheus "$stack/prometheus" "$grafana"
  {
    cat <<HEAD
# Rendered by deploy/native/supervisor.sh at every make up.
[supervisord]
logfile=$(quoted_path "$logs/supervisord.log")
logfile_maxbytes=5MB
logfile_backups=1
pidfile=$(quoted_path "$stack/supervisord.pid")
childlogdir=$(quoted_path "$logs")
identifier=bidtrace
user=$(id -un)
nodaemon=false

[unix_http_server]
file=$(quoted_path "$socket")
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://$(quoted_path "$socket")
HEAD
    render_backends "$jaeger" "$prometheus" "$alertmanager" "$nats" "$grafana"
    render_services "$release"
  } >"$supervisor_conf.new"
  chmod 600 "$supervisor_conf.new"
  mv "$supervisor_conf.new" "$supervisor_conf"
  rm -f "$rendered_conf"
}
