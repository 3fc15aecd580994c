# shellcheck shell=bash
# The backends' programs: Jaeger, Prometheus, Alertmanager and NATS. One that the machine has is used, when a variable
# names it or it is on PATH; else it is built from the Go module that deploy/programs pins.

# For each program: its folder in deploy/programs, its Go package, and the versions that accept our configuration. A
# build from a module does not know its release, so the build is given it: `release` must match the go.mod.
declare -A module_of=(
  [jaeger]=jaeger [prometheus]=prometheus [promtool]=prometheus
  [alertmanager]=alertmanager [amtool]=alertmanager [nats-server]=nats
)
declare -A package_of=(
  [jaeger]=github.com/jaegertracing/jaeger/cmd/jaeger
  [prometheus]=github.com/prometheus/prometheus/cmd/prometheus
  [promtool]=github.com/prometheus/prometheus/cmd/promtool
  [alertmanager]=github.com/prometheus/alertmanager/cmd/alertmanager
  [amtool]=github.com/prometheus/alertmanager/cmd/amtool
  [nats-server]=github.com/nats-io/nats-server/v2
)
declare -A release=([jaeger]=2.13.0 [prometheus]=3.15.0 [alertmanager]=0.30.1 [nats]=2.15.2)
declare -A oldest=([jaeger]=2.13 [prometheus]=3.5 [alertmanager]=0.28 [nats]=2.10)
declare -A too_new=([jaeger]=3 [prometheus]=4 [alertmanager]=1 [nats]=3)
declare -A build_flags=(
  [jaeger]="-X github.com/jaegertracing/jaeger/internal/version.latestVersion=v${release[jaeger]}"
  [prometheus]="-X github.com/prometheus/common/version.Version=${release[prometheus]}"
  [alertmanager]="-X github.com/prometheus/common/version.Version=${release[alertmanager]}"
  [nats]=""
)
declare -A build_tags=([prometheus]=remove_all_sd)

# The variable that may name a program: NATS_SERVER for nats-server.
variable_of() {
  local name=${1^^}
  printf '%s\n' "${name//-/_}"
}

version_of() {
  local -a ask=(--version)
  [[ $(basename "$1") != jaeger* ]] || ask=(version)
  "$1" "${ask[@]}" 2>/dev/null </dev/null | grep -oE -m1 'v?[0-9]+\.[0-9]+\.[0-9]+' | head -n 1 | sed 's/^v//'
}

is_suitable() {
  local module=$1 version=$2
  [[ -n $version ]] && at_least "$version" "${oldest[$module]}" && ! at_least "$version" "${too_new[$module]}"
}

# A hash of everything that a build depends on. It is part of the folder's name, so a change leads to a new build.
module_key() {
  local module=$1 folder="$deploy/programs/$1"
  {
    cat "$folder/go.mod" "$folder/go.sum"
    printf '%s\n' "${build_flags[$module]}" "${build_tags[$module]:-}"
  } | sha256sum | cut -c1-12
}

built_program() {
  local module=${module_of[$1]}
  printf '%s\n' "$cache/bin/$module-$(module_key "$module")/$1"
}

# Prints the path of a program that the machine has, or nothing. Fails when a variable names an unsuitable one.
own_program() {
  local name=$1 module=${module_of[$1]} variable path version
  variable=$(variable_of "$name")
  path=${!variable:-}
  if [[ -n $path ]]; then
    path=$(command -v "$path" || true)
    if [[ -z $path ]]; then
      say "$variable names ${!variable}, which is not a program" >&2
      return 1
    fi
    version=$(version_of "$path" || true)
    if ! is_suitable "$module" "$version"; then
      say "$variable names $path, version ${version:-unknown}; wanted: ${oldest[$module]} or newer, before ${too_new[$module]}" >&2
      return 1
    fi
    realpath "$path"
    return
  fi
  path=$(command -v "$name" || true)
  if [[ -n $path ]] && is_suitable "$module" "$(version_of "$path" || true)"; then
    realpath "$path"
  fi
}

program() {
  local path
  path=$(own_program "$1") || return 1
  printf '%s\n' "${path:-$(built_program "$1")}"
}

# The programs that a module's folder makes.
programs_of() {
  local name
  for name in "${!module_of[@]}"; do
    [[ ${module_of[$name]} != "$1" ]] || printf '%s\n' "$name"
  done
}

# Builds a module's programs into a folder of their own, which is renamed into place when it is complete. A lock keeps
# clones that share the cache from building at once.
build_module() {
  local module=$1 folder name unfinished
  folder="$cache/bin/$module-$(module_key "$module")"
  mkdir -p "$cache/bin"
  (
    flock 8
    if [[ -d $folder ]]; then
      say "$module ${release[$module]}: already built"
    else
      require_go
      say "$module ${release[$module]}: building"
      rm -rf "$cache/bin/.unfinished-$module-"*
      unfinished=$(mktemp -d "$cache/bin/.unfinished-$module-XXXXXX")
      for name in $(programs_of "$module"); do
        (cd "$deploy/programs/$module" && GOTOOLCHAIN=local CGO_ENABLED=0 go build -v -mod=readonly -trimpath \
          -buildvcs=false -tags "${build_tags[$module]:-}" -ldflags "-s -w ${build_flags[$module]}" \
          -o "$unfinished/$name" "${package_of[$name]}")
      done
      chmod 755 "$unfinished"
      mv -T "$unfinished" "$folder"
    fi
    # A link without the hash, to the newest build of each.
    for name in $(programs_of "$module"); do
      ln -s "$(basename "$folder")/$name" "$cache/bin/.$name-$BASHPID"
      mv -T "$cache/bin/.$name-$BASHPID" "$cache/bin/$name"
    done
  ) 8>"$cache/bin/.$module.lock"
}

# Builds the programs that the machine lacks.
provide_programs() {
  local module name path lacking
  jaeger_ui >/dev/null
  for module in nats alertmanager prometheus jaeger; do
    lacking=
    for name in $(programs_of "$module"); do
      path=$(own_program "$name")
      if [[ -n $path ]]; then
        say "$name: using $path"
      else
        lacking=yes
      fi
    done
    [[ -z $lacking ]] || build_module "$module"
  done
  say "Jaeger, Prometheus, Alertmanager and NATS are available"
}

# Prints the path of the machine's Grafana, or nothing: no package registry that this stack uses has one.
grafana_program() {
  local candidate
  for candidate in "${GRAFANA:-}" grafana /usr/share/grafana/bin/grafana; do
    [[ -n $candidate ]] || continue
    candidate=$(command -v "$candidate" || true)
    if [[ -n $candidate ]]; then
      realpath "$candidate"
      return
    fi
  done
}

# The folder of a built Jaeger UI, when JAEGER_UI names one.
jaeger_ui() {
  [[ -n ${JAEGER_UI:-} ]] || return 0
  if [[ ! -f $JAEGER_UI/index.html ]]; then
    say "JAEGER_UI names $JAEGER_UI, which has no index.html: it wants the folder of a built Jaeger UI" >&2
    return 1
  fi
  realpath "$JAEGER_UI"
}
