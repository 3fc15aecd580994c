#!/usr/bin/env bash
# make test-compose: brings docker-compose.yml up on whatever engine and images the machine has, holds an auction in it,
# reads its trace, kills a service and sees it return, and takes everything down.
#
# It is a project of its own, so a `docker compose up` of the same clone and its data stay untouched, and where the
# stack's ports are taken it publishes on 127.0.0.2.
# shellcheck source-path=SCRIPTDIR/../native
source "$(dirname "${BASH_SOURCE[0]}")/../native/stack.sh"
logs="$stack/logs/containers"
# shellcheck source=engine.sh source-path=SCRIPTDIR
source "$deploy/container/engine.sh"
# shellcheck source=standins.sh source-path=SCRIPTDIR
source "$deploy/container/standins.sh"

project=bidtrace-test
loopback=127.0.0.1
compose_file="$top/docker-compose.yml"
# The service that is killed: auctions are lost without it.
victim=auction

compose() { docker compose --project-name "$project" --project-directory "$top" --file "$compose_file" "$@"; }

get() { curl --noproxy '*' --silent --show-error --fail --max-time 10 "http://$loopback:$1"; }

# Waits up to $1 seconds for a command to succeed.
await() {
  local limit=$1 began=$SECONDS
  shift
  until "$@"; do
    ((SECONDS - began < limit)) || return 1
    sleep 0.5
  done
}

# --- The steps

prepare() {
  install_packages "${native_packages[@]}"
  provide_engine
}

# When another stack uses the ports: the same file with another loopback address.
publish_elsewhere() {
  docker compose --project-name "$project" --profile '*' config --format json |
    jq --arg address "$1" '(.services[].ports[]? | select(.host_ip == "127.0.0.1")).host_ip = $address' \
      >"$engine_run/compose.json"
}

build_image() { compose --progress plain build; }

bring_up() {
  local -a wanted
  mapfile -t wanted < <(wanted_services)
  if ! compose up --detach --no-build --wait --wait-timeout 180 "${wanted[@]}"; then
    tell_state
    return 1
  fi
  compose ps --format '{{.Service}}: {{.Status}}'
  say "${#wanted[@]} containers are healthy"
}

# All but those whose image cannot be had.
wanted_services() {
  compose config --format json | jq -r --rawfile missing "$engine_run/missing" \
    '($missing | split("\n")) as $missing | .services | to_entries[] | select(.value.image | IN($missing[]) | not).key'
}

# Prints the state of every container, and the end of the log of each that is not healthy.
tell_state() {
  local name
  compose ps --all --format '{{.Service}}: {{.Status}}'
  for name in $(compose ps --all --format json | jq -r 'select(.Health != "healthy").Service'); do
    say "--- the end of the log of $name"
    compose logs --no-log-prefix --tail 15 "$name" 2>&1 | cut -c1-300
  done
}

# Prints the services' latest warnings and errors.
tell_errors() {
  say "--- the services' latest warnings and errors"
  compose --ansi never logs --no-color --tail 500 "${services[@]}" 2>&1 | grep -E '"level":"(WARN|ERROR)"' | tail -n 12 | cut -c1-400
}

# A container that runs as root, has a capability, or can write to its root is not what the file promises.
look_into_containers() {
  local name words
  for name in $(compose ps --services); do
    # shellcheck disable=SC2016 # for the container's shell
    words=$(compose exec -T "$name" sh -c \
      'echo "$(id -u) $(sed -n "s/^CapEff:[[:space:]]*//p" /proc/1/status) $(touch /written 2>/dev/null && echo writable)"')
    say "$name: $words"
    [[ $words =~ ^[1-9][0-9]*\ 0+\ $ ]]
  done
  say "none is root, has a capability or can write to its root"
}

load() {
  local status=0
  compose run --rm --no-deps -T "$@" || status=$?
  ((status == 0)) || tell_errors >&2
  return $status
}

# One auction through the gateway. Missed objectives do not count, because the services have just started.
hold_auction() {
  # shellcheck disable=SC2016 # for the container's shell
  load --entrypoint sh loadtest -c '
    loadtest run --gateway http://gateway:8080 --jaeger http://jaeger:16686 --rate 1 --duration 1s \
      --json /tmp/result.json >&2
    [ $? -le 1 ] && cat /tmp/result.json' >"$engine_run/result.json"
  say "auctions awarded: $(jq .awarded "$engine_run/result.json")"
  (($(jq .awarded "$engine_run/result.json") == 1))
}

seed_and_hold_auction() {
  load loadtest seed --gateway http://gateway:8080
  hold_auction
}

# By Jaeger's API on its published port, and by the trace verifier.
read_trace() {
  local id seen
  id=$(jq -r '.trace_url | split("/") | last' "$engine_run/result.json")
  load loadtest verify-trace "$id" --jaeger http://jaeger:16686
  get "16686/api/traces/$id" >"$engine_run/trace.json"
  seen=$(jq -r '.data[0].processes | map(.serviceName) | unique | join(" ")' "$engine_run/trace.json")
  say "trace $id: $(jq '.data[0].spans | length' "$engine_run/trace.json") spans of $seen"
}

# Prometheus reaches whatever its targets name, and its rules evaluate.
targets_that_are_down() {
  get '9090/api/v1/targets?state=active' | jq -r --rawfile missing "$engine_run/missing" \
    '.data.activeTargets[] | select(.health != "up")
      | select(.labels.job as $job | $missing | contains("\($job)/") | not).labels.job'
}

every_target_is_up() { [[ -z $(targets_that_are_down) ]]; }

look_at_prometheus() {
  if ! await 40 every_target_is_up; then
    say "down: $(targets_that_are_down | tr '\n' ' ')"
    return 1
  fi
  [[ $(get 9090/api/v1/rules | jq '[.data.groups[].rules[] | select(.health == "err")] | length') == 0 ]]
  say "every target is up, $(get 9090/api/v1/rules | jq '[.data.groups[].rules[]] | length') rules evaluate"
}

state_of_victim() {
  docker inspect --format '{{.RestartCount}} {{.State.Health.Status}}' "$(compose ps --all --quiet "$victim")"
}

has_returned() { [[ $(state_of_victim) == "$1 healthy" ]]; }

# Kills the process, not the container: an engine does not restart a container that it was told to kill.
kill_and_see_it_return() {
  local restarts began returned
  restarts=$(state_of_victim)
  restarts=${restarts%% *}
  began=$SECONDS
  # shellcheck disable=SC2016 # for the container's shell
  compose exec -T "$victim" sh -c '
    for name in /proc/[0-9]*/comm; do
      [ "$(cat "$name")" != "$1" ] || kill -KILL "$(echo "$name" | cut -d/ -f3)"
    done' sh "$victim" || true
  if ! await 90 has_returned $((restarts + 1)); then
    tell_state
    return 1
  fi
  returned=$((SECONDS - began))
  hold_auction
  say "$victim was killed, came back healthy after $returned s and holds auctions"
}

memory_in_use() {
  local -a ids
  mapfile -t ids < <(compose ps --quiet)
  docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' "${ids[@]}" |
    awk '{ unit = $2 ~ /GiB/ ? 1024 : $2 ~ /KiB/ ? 1 / 1024 : 1; sum += $2 * unit } END { printf "%d MiB were in use by all containers\n", sum }'
}

take_down() {
  local used
  used=$(memory_in_use)
  compose --profile '*' down --volumes --timeout 30
  [[ -z $(docker ps --all --quiet --filter "label=com.docker.compose.project=$project") ]]
  [[ -z $(docker volume ls --quiet --filter "label=com.docker.compose.project=$project") ]]
  say "no container and no volume is left; $used"
}

# --- Running the steps; everything is stopped at the end, whatever happens

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  if [[ -e $engine_run/up ]]; then
    compose --profile '*' down --volumes --timeout 10 >/dev/null 2>&1 || true
  fi
  end_engine
  exit "$status"
}

interrupted() {
  [[ -z $step_pid ]] || kill -TERM -- "-$step_pid" 2>/dev/null || true
  exit 130
}

began=$SECONDS
engine_run=$(mktemp -d "${TMPDIR:-/tmp}/bidtrace-engine-XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT TERM
load_credentials
steps_total=10

step "A container engine" "have a docker that answers, or be root on Debian" prepare
# shellcheck source=/dev/null
source "$engine_run/environment"
step "Images" "the registry or the packages above could not be reached" provide_images "$engine_run/missing"
while read -r image; do
  say "      left out, for want of its image: $image"
done <"$engine_run/missing"
step "Build our image" "mend what the compiler names" build_image
for name in "${services[@]}" "${backends[@]}" grafana; do
  for port in ${ports[$name]}; do
    port_is_free "$port" || loopback=127.0.0.2
  done
done
if [[ $loopback != 127.0.0.1 ]]; then
  say "      the stack's ports are taken: publishing on $loopback"
  publish_elsewhere "$loopback"
  compose_file="$engine_run/compose.json"
fi
touch "$engine_run/up"
step "docker compose up" "the states and logs above name the one that is not well" bring_up
step "Look into the containers" "see docker-compose.yml: user, cap_drop, read_only" look_into_containers
step "One auction" "the log above says which request failed" seed_and_hold_auction
step "Its trace" "the findings above name what is missing" read_trace
step "Prometheus" "compare deploy/prometheus/targets/compose with docker-compose.yml" look_at_prometheus
step "Kill the $victim service" "it should have been restarted by the engine" kill_and_see_it_return
step "docker compose down" "docker ps names what is left" take_down
rm "$engine_run/up"
printf '\npassed after %s\n' "$(clock $((SECONDS - began)))"
