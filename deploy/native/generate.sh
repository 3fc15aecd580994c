#!/usr/bin/env bash
# make generate: writes the alert rules, their tests, the runbooks, the dashboards and the OpenAPI document anew from
# their sources.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

build_code --quiet
"$(release_dir)/alerts" generate
"$(release_dir)/dashboards" generate
document=$("$(release_dir)/gateway" openapi)
printf '%s\n' "$document" >"$top/services/gateway/openapi.json"
