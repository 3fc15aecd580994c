#!/usr/bin/env bash
# make mutants: break the telemetry crate in each of the ways in telemetry/mutants, and see the conformance matrix turn
# red where the patch says so. A mutant that nothing catches is a failure, and so is a patch that no longer applies.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
source "$pieces/throwaway.sh"

mutants_dir="$stack/mutants"
tree="$mutants_dir/tree"

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  end_throwaways
  git -C "$top" worktree remove --force "$tree" 2>/dev/null || true
  exit "$status"
}

# The transports that a patch's own words name, one on each line.
promised() {
  sed -n 's/^Caught by: //p' "$1" | tr ',' '\n' | sed 's/^ *//; s/ *$//'
}

matrix() {
  (cd "$tree" && cargo test --release --workspace --quiet --test conformance -- --nocapture) >"$1" 2>&1
}

# Runs the matrix against one mutant; says which transports differ.
judge() {
  local patch=$1 name output missed=0
  name=$(basename "$patch" .patch)
  output="$mutants_dir/$name.log"
  git -C "$tree" checkout --quiet -- .
  git -C "$tree" apply "$patch"
  if matrix "$output"; then
    say "$name: SURVIVES"
    return 1
  fi
  if ! grep -q '^thread .* panicked\| x .*: ' "$output"; then
    say "$name: does not build or run; see $output"
    return 1
  fi
  while read -r transport; do
    if ! grep -q "^$transport x " "$output"; then
      say "$name: not caught by $transport; see $output"
      missed=1
    fi
  done < <(promised "$patch")
  ((missed)) || say "$name: caught by $(sed -n 's/^\(.* x [a-z-]*\): .*/\1/p' "$output" | sort -u | paste -sd ',' | sed 's/,/, /g')"
  return "$missed"
}

install_packages "${native_packages[@]}" "${test_packages[@]}"
require_rust
provide_programs
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir -p "$mutants_dir"
git -C "$top" worktree remove --force "$tree" 2>/dev/null || true
git -C "$top" worktree add --quiet --detach "$tree" HEAD
start_throwaways
# The target folder is that of the repository: only what a patch touches is compiled again.
CARGO_TARGET_DIR=$(dirname "$(release_dir)")
export CARGO_TARGET_DIR
# A cell that differs has to be waited for: what is missing could still come.
export BIDTRACE_CONFORMANCE_LIMIT=2
if ! matrix "$mutants_dir/none.log"; then
  fail "the matrix does not hold without any mutant" "see $mutants_dir/none.log"
fi
status=0
for patch in "$top"/telemetry/mutants/*.patch; do
  judge "$patch" || status=1
done
exit "$status"
