#!/usr/bin/env bash
# make mutants: break the code in each of the ways in telemetry/mutants, and see the conformance matrix turn red where
# the patch says so. A mutant that a named transport does not notice is a failure, and so is one that does not apply,
# build or come to an end. ONLY='grpc-*' plays those whose names match.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"
source "$pieces/throwaway.sh"
source "$pieces/patches.sh"

mutants_dir="$stack/mutants"
tree="$mutants_dir/tree"
matrix=(cargo test --release --workspace --quiet --test conformance)
# For a build or a run of the matrix: what takes longer hangs.
patience=45m
# What runs in the tree just now.
played=

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  # timeout passes the signal on to all that it has started.
  [[ -z $played ]] || kill -TERM "$played" 2>/dev/null || true
  [[ -z $played ]] || wait "$played" 2>/dev/null || true
  end_throwaways
  remove_tree
  exit "$status"
}

remove_tree() {
  git -C "$top" worktree remove --force "$tree" 2>/dev/null || true
}

# A tree of its own with what is here, committed or not, but for files that git does not know.
make_tree() {
  local commit
  remove_tree
  rm -rf "$tree"
  commit=$(git -C "$top" stash create)
  git -C "$top" worktree add --quiet --detach "$tree" "${commit:-HEAD}"
}

# Runs a command there; what it says goes to a file. In the background, since a shell that waits for a command in the
# foreground does not hear the signal that ends it.
in_tree() {
  local output=$1 status=0
  shift
  (cd "$tree" && exec timeout --kill-after=10 "$patience" "$@") >"$output" 2>&1 </dev/null &
  played=$!
  wait "$played" || status=$?
  played=
  return "$status"
}

# The cells that differ, as `HTTP x cancel`, out of what the matrix has printed.
red_cells() {
  sed -nE 's/^([A-Za-z][A-Za-z -]*) x ([a-z-]+): .*/\1 x \2/p' "$1" | uniq
}

# Plays the matrix against one mutant and says which transports have noticed.
judge() {
  local name=$1 output="$mutants_dir/$1.log" status=0 cells transport
  local -a missed=() transports=()
  git -C "$tree" checkout --quiet -- .
  if ! git -C "$tree" apply "$patches_dir/$name.patch"; then
    say "$name: does not apply"
    return 1
  fi
  if ! in_tree "$output" "${matrix[@]}" --no-run; then
    say "$name: DOES NOT BUILD; see $output"
    return 1
  fi
  in_tree "$output" "${matrix[@]}" -- --nocapture || status=$?
  if ((status == 0)); then
    say "$name: SURVIVES"
    return 1
  fi
  cells=$(red_cells "$output")
  if [[ -z $cells ]]; then
    say "$name: THE MATRIX DOES NOT COME TO ITS END (exit code $status); see $output"
    return 1
  fi
  while read -r transport; do
    grep -q "^$transport x " <<<"$cells" || missed+=("$transport")
  done < <(must_notice "$name")
  if ((${#missed[@]} > 0)); then
    say "$name: NOT NOTICED by $(listed "${missed[@]}"); see $output"
    return 1
  fi
  mapfile -t transports < <(awk -F ' x ' '{ print $1 }' <<<"$cells" | uniq)
  say "$name: caught by $(listed "${transports[@]}"), in $(wc -l <<<"$cells") cells"
}

listed() {
  local text
  text=$(printf ', %s' "$@")
  printf '%s\n' "${text:2}"
}

mapfile -t names < <(mutants "${ONLY:-*}")
((${#names[@]} > 0)) || fail "no mutant is called ${ONLY:-anything}" "see telemetry/mutants"
check_mutants
install_packages "${native_packages[@]}" "${test_packages[@]}"
require_rust
provide_programs
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir -p "$mutants_dir"
make_tree
start_throwaways
# The target folder is that of the repository: the dependencies are compiled already.
CARGO_TARGET_DIR=$(dirname "$(release_dir)")
export CARGO_TARGET_DIR
in_tree "$mutants_dir/none.log" "${matrix[@]}" --no-run ||
  fail "the matrix does not build without any mutant" "see $mutants_dir/none.log"
in_tree "$mutants_dir/none.log" "${matrix[@]}" -- --nocapture ||
  fail "the matrix does not hold without any mutant" "see $mutants_dir/none.log"
# In a cell that differs, what is missing is waited for, since it could still come.
export BIDTRACE_CONFORMANCE_LIMIT=2
bad=0
for name in "${names[@]}"; do
  judge "$name" || bad=$((bad + 1))
done
((bad == 0)) || fail "$bad of ${#names[@]} mutants were not caught as their patches say"
say "all ${#names[@]} mutants were caught"
