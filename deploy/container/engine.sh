# shellcheck shell=bash disable=SC2154
# A container engine for the test: the machine's own when it answers and can pull every image, else Debian's, started
# here with its own socket and with its data in the cache folder, and stopped after the test.

containers="$cache/containers"
engine_run=

engine_answers() { timeout 10 docker info >/dev/null 2>&1; }

# Every image of the compose file and our Dockerfile that is not built here.
foreign_images() {
  docker compose --profile '*' config --format json | jq -r '.services[].image' | grep -vx bidtrace
  sed -n 's/^FROM \([a-z/.-]*:[^ ]*\).*/\1/p' "$top/deploy/container/Dockerfile"
}

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

can_pull_every_image() {
  local image
  for image in $(foreign_images | sort -u); do
    has_image "$image" || timeout 600 docker pull --quiet "$image" || return 1
  done
}

# --- Compose and buildx, where the engine's client has none

has_compose() { docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

# The mirror of Debian that this machine uses.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own variable
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/$' | head -n 1
}

# Debian 12 has Compose 1 only, but the plugins of Debian 13 run on it. Their package lists go to a folder of ours, so
# that the machine's package sources do not change.
download_plugins() {
  local folder="$containers/plugins" work package
  local -a apt
  export DOCKER_CONFIG="$folder"
  if has_compose; then return; fi
  work=$(mktemp -d "$containers/plugins-XXXXXX")
  mkdir -p "$work/lists/partial" "$folder/cli-plugins"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) trixie main" \
    >"$work/sources.list"
  apt=(apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  (
    cd "$work" || exit
    "${apt[@]}" update
    "${apt[@]}" download docker-compose docker-buildx
    for package in ./*.deb; do dpkg-deb --extract "$package" unpacked; done
    install -m 755 unpacked/usr/libexec/docker/cli-plugins/docker-{compose,buildx} "$folder/cli-plugins/"
  )
  rm -rf "$work"
  has_compose
}

# --- The engine

# Prints what to export for the engine that this test uses, as the last step's result.
provide_engine() {
  local needs_own=yes
  mkdir -p "$containers"
  if command -v docker >/dev/null && engine_answers; then
    if has_compose || download_plugins; then
      can_pull_every_image && needs_own=
    fi
    [[ -z $needs_own ]] || say "the machine's engine cannot have every image; stand-ins are kept out of it"
  fi
  if [[ -n $needs_own ]]; then
    start_engine
    has_compose || download_plugins
  fi
  {
    [[ -z $needs_own ]] || printf 'export DOCKER_HOST=%q\n' "$DOCKER_HOST"
    [[ -z ${DOCKER_CONFIG:-} ]] || printf 'export DOCKER_CONFIG=%q\n' "$DOCKER_CONFIG"
  } >"$engine_run/environment"
  say "engine $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"
}

start_engine() {
  if ((EUID != 0)); then
    say "no engine here can have the images, and starting one needs root"
    return 1
  fi
  install_packages dockerd docker.io debootstrap debootstrap
  # The lock lasts as long as the engine, which inherits it.
  exec 7>"$containers/lock"
  flock --nonblock 7 || { say "another make test-compose uses $containers"; return 1; }
  iptables-save >"$engine_run/iptables"
  ip -oneline link show docker0 >/dev/null 2>&1 || touch "$engine_run/no-docker0"
  # In a session of its own, so that it outlives this step; it is ended by its process id.
  setsid dockerd --data-root "$containers/docker" --exec-root "$engine_run/exec" --pidfile "$engine_run/dockerd.pid" \
    --host "unix://$engine_run/docker.sock" >"$engine_run/dockerd.log" 2>&1 </dev/null &
  export DOCKER_HOST="unix://$engine_run/docker.sock"
  for _ in {1..150}; do
    if engine_answers; then return; fi
    sleep 0.2
  done
  tail -n 20 "$engine_run/dockerd.log"
  return 1
}

# Ends the engine that was started here, if one was, and takes back what it did to the network.
end_engine() {
  local pid
  if [[ -s $engine_run/dockerd.pid ]]; then
    # What earlier builds left is kept to a size.
    timeout 60 docker image prune --force >/dev/null 2>&1 || true
    timeout 60 docker builder prune --force --keep-storage 8GB >/dev/null 2>&1 || true
    pid=$(cat "$engine_run/dockerd.pid")
    kill -TERM "$pid" 2>/dev/null || true
    for _ in {1..300}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    [[ ! -e $engine_run/no-docker0 ]] || ip link delete docker0 2>/dev/null || true
    iptables-restore <"$engine_run/iptables" || true
  fi
  rm -rf "$engine_run"
}
