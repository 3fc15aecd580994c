# shellcheck shell=bash
# The code of this repository, built.

# All of the workspace at once, also where one program would do: the features of a shared dependency are then the same
# for every command here, the tests included, and nothing is compiled twice.
build_code() {
  require_rust
  cargo build --release --workspace --bins "$@"
}
