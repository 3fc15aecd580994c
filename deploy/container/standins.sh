# shellcheck shell=bash disable=SC2154
# Replacements for official images that cannot be pulled, under the same tags, in the engine that the test has started
# and nowhere else. Each has the same program at the same version, the same entry point, user and tools. An image that
# cannot be replaced is left out and reported.

standin_label=bidtrace.standin=yes

# Builds an image with the tag $1 from a new build context. The Dockerfile is read from standard input; further
# arguments are pairs of a file and its name in the context.
build_standin() {
  local tag=$1 context
  shift
  context=$(mktemp -d)
  cat >"$context/Dockerfile"
  while (($# > 0)); do
    cp -L "$1" "$context/$2"
    shift 2
  done
  docker build --quiet --label "$standin_label" --tag "$tag" "$context" >/dev/null
  rm -rf "$context"
  say "$tag: a stand-in"
}

# The smallest Debian, from its own packages.
standin_debian() {
  local tree
  tree=$(mktemp -d "$containers/bookworm-XXXXXX")
  debootstrap --variant=minbase bookworm "$tree" "$(debian_mirror)"
  tar --directory "$tree" --exclude './var/cache/apt/*' --exclude './var/lib/apt/lists/*' --create . |
    docker import --change "LABEL $standin_label" - debian:bookworm-slim >/dev/null
  rm -rf "$tree"
  say "debian:bookworm-slim: a stand-in"
}

# The compiler of this machine with Debian's linker and C library. Its CA file and cargo's configuration come along, for
# that is how this machine reaches crates.io; the image stays in the test's own engine.
standin_rust() {
  local toolchain context name
  toolchain=$(rustc --print sysroot)
  context=$(mktemp -d "$containers/rust-XXXXXX")
  mkdir -p "$context/rust" "$context/cargo"
  tar --directory "$toolchain" --exclude ./share --exclude ./lib/rustlib/src --create . |
    tar --directory "$context/rust" --extract
  cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$context/ca.crt"
  [[ ! -f ${CARGO_HOME:-$HOME/.cargo}/config.toml ]] ||
    cp -L "${CARGO_HOME:-$HOME/.cargo}/config.toml" "$context/cargo/"
  {
    cat <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN apt-get update -q \
    && apt-get install -q -y --no-install-recommends ca-certificates gcc g++ libc6-dev make pkg-config
COPY rust /usr/local/rust
COPY cargo /usr/local/cargo
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV CARGO_HOME=/usr/local/cargo CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt
DOCKERFILE
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
      [[ -z ${!name:-} ]] || printf 'ENV %s="%s"\n' "$name" "${!name}"
    done
  } >"$context/Dockerfile"
  docker build --quiet --label "$standin_label" --tag rust:1.95-bookworm "$context" >/dev/null
  rm -rf "$context"
  say "rust:1.95-bookworm: a stand-in, $(rustc --version)"
}

# What the images of the backends share: busybox, for its wget.
with_busybox='FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -q -y --no-install-recommends busybox \
    && ln -s /bin/busybox /usr/local/bin/wget'

standin_nats() {
  build_standin "$1" "$(built_program nats-server)" nats-server <<DOCKERFILE
$with_busybox
COPY nats-server /usr/local/bin/nats-server
RUN printf '#!/bin/sh\nset -eu\nexec "\$@"\n' >/usr/local/bin/docker-entrypoint.sh \
    && chmod 755 /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["docker-entrypoint.sh"]
DOCKERFILE
}

standin_jaeger() {
  build_standin "$1" "$(built_program jaeger)" jaeger <<DOCKERFILE
$with_busybox
COPY jaeger /cmd/jaeger/jaeger-linux
ENV JAEGER_LISTEN_HOST=0.0.0.0
VOLUME ["/tmp"]
USER 10001
ENTRYPOINT ["/cmd/jaeger/jaeger-linux"]
DOCKERFILE
}

standin_prometheus() {
  build_standin "$1" "$(built_program prometheus)" prometheus "$(built_program promtool)" promtool <<DOCKERFILE
$with_busybox
COPY prometheus promtool /bin/
RUN install --directory --owner nobody --group nogroup /prometheus
USER nobody
WORKDIR /prometheus
VOLUME ["/prometheus"]
ENTRYPOINT ["/bin/prometheus"]
DOCKERFILE
}

standin_alertmanager() {
  build_standin "$1" "$(built_program alertmanager)" alertmanager "$(built_program amtool)" amtool <<DOCKERFILE
$with_busybox
COPY alertmanager amtool /bin/
RUN install --directory --owner nobody --group nogroup /alertmanager
USER nobody
WORKDIR /alertmanager
VOLUME ["/alertmanager"]
ENTRYPOINT ["/bin/alertmanager"]
DOCKERFILE
}

# One backend's image, of the program that the native stack is pinned to: never of one that the machine happens to have.
standin_of() {
  build_module "$1"
  "standin_$1" "$2"
}

# Pulls or replaces every image. Those for which neither works are listed in the file $1. Base images come first, because
# others are built from them.
provide_images() {
  local missing=$1 image
  local -a images
  mapfile -t images < <(foreign_images | sort -u | sed 's/^debian:/0 &/; t; s/^/1 /' | sort | cut -d' ' -f2)
  : >"$missing"
  for image in "${images[@]}"; do
    if has_image "$image"; then
      say "$image: there$(! is_standin "$image" || echo ' (a stand-in, made before)')"
    elif timeout 600 docker pull --quiet "$image"; then
      say "$image: pulled"
    else
      stand_in "$image"
    fi
  done
  say "${#images[@]} images, $(wc -l <"$missing") of them not available"
}

is_standin() { [[ $(docker image inspect --format '{{index .Config.Labels "bidtrace.standin"}}' "$1") == yes ]]; }

stand_in() {
  case $1 in
    debian:*) standin_debian ;;
    rust:*) standin_rust ;;
    nats:*) standin_of nats "$1" ;;
    jaegertracing/jaeger:*) standin_of jaeger "$1" ;;
    prom/prometheus:*) standin_of prometheus "$1" ;;
    prom/alertmanager:*) standin_of alertmanager "$1" ;;
    *)
      say "$1: cannot be pulled, and there is no program to make a stand-in of"
      printf '%s\n' "$1" >>"$missing"
      ;;
  esac
}
