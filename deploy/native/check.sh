#!/usr/bin/env bash
# make check: is everything that is generated current, do the configurations hold, do the alert rules pass their tests,
# and do the mutants still apply? The tools are the versions that the stack runs.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
source "$pieces/patches.sh"

# The ports of the native stack and the addresses that Prometheus scrapes, against the one place that has them.
check_ports_of_services() {
  local name facts wanted found=0
  local platform="$top/services/chassis/src/platform.rs"
  for name in "${services[@]}"; do
    facts=$(grep -oE "Self::${name^} => [0-9]+" "$platform" | grep -oE '[0-9]+$' | tr '\n' ' ')
    wanted=${facts% }
    if [[ ${ports[$name]} != "$wanted" ]]; then
      say "deploy/native/processes.sh has $name on ${ports[$name]}; platform.rs on $wanted"
      found=1
    fi
    if ! jq -e --arg job "$name" --arg address "127.0.0.1:${wanted##* }" \
      'any(.[]; .labels.job == $job and .targets == [$address])' \
      "$deploy/prometheus/targets/native/services.json" >/dev/null; then
      say "deploy/prometheus/targets/native/services.json lacks $name at 127.0.0.1:${wanted##* }"
      found=1
    fi
  done
  return $found
}

# Prometheus's own checker, on the configuration as it is staged for the native stack.
check_prometheus() {
  local staged promtool status=0
  promtool=$(program promtool)
  staged=$(mktemp -d)
  stage_prometheus "$staged" grafana
  "$promtool" check config "$staged/prometheus.yml" || status=1
  rm -rf "$staged"
  local -a tests=()
  mapfile -t tests < <(find "$top/alerts" -path '*/tests/*' -name '*.yml' | sort)
  ((${#tests[@]} == 0)) || "$promtool" test rules "${tests[@]}" || status=1
  return $status
}

# The fuzzing and the benchmarks are workspaces of their own, whose locks follow what the crate depends on.
check_locks() {
  local part stale=
  for part in telemetry/fuzz telemetry/benches; do
    cargo metadata --quiet --locked --format-version 1 --manifest-path "$top/$part/Cargo.toml" >/dev/null || {
      say "$part/Cargo.lock is stale: run \`make generate\`"
      stale=yes
    }
  done
  [[ -z $stale ]]
}

check_mutants
check_locks
provide_programs >/dev/null
check_ports_of_services
"$(program amtool)" check-config "$deploy/alertmanager/alertmanager.yml"
check_prometheus
PROMTOOL=$(program promtool)
export PROMTOOL
build_code --quiet
"$(release_dir)/registry" check
"$(release_dir)/alerts" check
"$(release_dir)/dashboards" check
if ! "$(release_dir)/gateway" openapi | cmp --quiet - "$top/services/gateway/openapi.json"; then
  say "services/gateway/openapi.json is stale: run \`make generate\` and read the difference"
  exit 1
fi
say "everything that is generated is current"
