# shellcheck shell=bash
# Builds the code of this repository.

# Always the whole workspace, even when one program is needed: then every command here, the tests included, compiles a
# shared dependency with the same features, and so only once.
build_code() {
  require_rust
  cargo build --release --workspace --bins "$@"
}
