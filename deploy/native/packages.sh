# shellcheck shell=bash
# What the machine needs before anything can be built or run: Debian packages, which are installed when they are
# missing, and the Rust and Go toolchains, which are not: a missing one is an error that says where to get it.

readonly rust_wanted=1.95 go_wanted=1.26

# Is version $1 at least $2?
at_least() {
  [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# Pairs of a command and the Debian package that brings it.
native_packages=(
  supervisord supervisor
  curl curl
  jq jq
  cc build-essential
  make make
)
test_packages=(
  git git
  postgres postgresql
  python3-venv python3-venv
)

postgres_bin() {
  local found
  found=$(command -v postgres || true)
  if [[ -z $found ]]; then
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
  fi
  [[ -x $found ]] && dirname "$(realpath "$found")"
}

has_command() {
  case $1 in
    postgres) postgres_bin >/dev/null ;;
    # Debian's python3 comes without the venv module's parts.
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

install_packages() {
  local -a missing=()
  while (($# > 0)); do
    has_command "$1" || missing+=("$2")
    shift 2
  done
  if ((${#missing[@]} == 0)); then
    say "every package is installed"
    return
  fi

  local -a as_root=()
  if ! command -v apt-get >/dev/null; then
    say "this machine has no apt-get; install with its own package manager: ${missing[*]}"
    return 1
  fi
  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      say "installing needs root; run: sudo apt-get install ${missing[*]}"
      return 1
    fi
    as_root=(sudo -n)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

require_rust() {
  local version
  if ! command -v cargo >/dev/null; then
    say "Rust is missing: install $rust_wanted or newer with rustup (https://rustup.rs)"
    return 1
  fi
  version=$(rustc --version | cut -d' ' -f2)
  if ! at_least "$version" "$rust_wanted"; then
    say "Rust $rust_wanted or newer is needed and this is $version: rustup update"
    return 1
  fi
  say "Rust $version"
}

require_go() {
  local version
  if ! command -v go >/dev/null; then
    say "Go is missing: install $go_wanted or newer (https://go.dev/dl)"
    return 1
  fi
  version=$(GOTOOLCHAIN=local go env GOVERSION)
  version=${version#go}
  if ! at_least "$version" "$go_wanted"; then
    say "Go $go_wanted or newer is needed and this is $version: https://go.dev/dl"
    return 1
  fi
}
