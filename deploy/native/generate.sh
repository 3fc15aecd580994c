#!/usr/bin/env bash
# make generate: writes the alert rules, their tests, the runbooks and the dashboards anew from their sources.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

build_code --quiet
"$(release_dir)/alerts" generate
"$(release_dir)/dashboards" generate
