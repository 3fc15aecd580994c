# shellcheck shell=bash disable=SC2034
# The folders that every other script here uses.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
deploy="$top/deploy"

# What the running stack writes: databases, logs, the rendered configuration. `make clean` removes it.
stack="$top/.stack"
logs="$stack/logs"
data="$stack/data"
faults="$stack/faults"

# Programs built from Go modules, shared by every clone on this machine.
cache="${BIDTRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bidtrace}"

cd "$top"

# Where cargo puts release builds: CARGO_TARGET_DIR, what a cargo configuration says, or the default.
release_dir() {
  local target=${CARGO_TARGET_DIR:-}
  if [[ -z $target ]]; then
    target=$(cargo metadata --format-version 1 --no-deps --offline | jq -r .target_directory)
  fi
  (cd "$top" && realpath -m "$target/release")
}

# A unix socket's path is limited to about 100 characters, and the supervisor adds a process id to it. For a clone with
# a longer path, the socket goes to a folder elsewhere, which must belong to this user.
supervisor_socket() {
  local socket="$stack/supervisor.sock" folder
  if ((${#socket} > 90)); then
    folder="${XDG_RUNTIME_DIR:-/tmp}/bidtrace-$(id -u)-$(printf '%s' "$stack" | sha256sum | cut -c1-12)"
    mkdir -p "$folder"
    chmod 700 "$folder"
    [[ -O $folder ]] || { echo "$folder belongs to someone else" >&2; return 1; }
    socket="$folder/supervisor.sock"
  fi
  printf '%s\n' "$socket"
}
