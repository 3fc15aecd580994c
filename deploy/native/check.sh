#!/usr/bin/env bash
# make check: what `xtask check` checks, with the checkers of the versions that the stack runs.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT

provide_programs >/dev/null
PROMTOOL=$(program promtool)
AMTOOL=$(program amtool)
export PROMTOOL AMTOOL
stage_prometheus "$staged" grafana
build_code --quiet
"$(release_dir)/xtask" check --prometheus-config "$staged/prometheus.yml"
