# shellcheck shell=bash source-path=SCRIPTDIR
# Sources everything that the commands of the native stack need. Each command sources this file.

set -euo pipefail
shopt -s inherit_errexit

pieces=$(dirname "${BASH_SOURCE[0]}")
source "$pieces/places.sh"
source "$pieces/steps.sh"
source "$pieces/packages.sh"
source "$pieces/programs.sh"
source "$pieces/python.sh"
source "$pieces/code.sh"
source "$pieces/services.sh"
source "$pieces/processes.sh"
source "$pieces/credentials.sh"
source "$pieces/supervisor.sh"
source "$pieces/ports.sh"
source "$pieces/lifecycle.sh"
source "$pieces/table.sh"
