# shellcheck shell=bash
# The patches that break the code on purpose, for the conformance matrix to notice. The first lines of each say what it
# breaks and, behind `Caught by:`, which transports must turn red.

patches_dir="$top/telemetry/mutants"

# The names of the patches that match a shell pattern; all of them when there is none.
mutants() {
  find "$patches_dir" -name "${1:-*}.patch" -printf '%f\n' | sed 's/\.patch$//' | sort
}

# The transports that must notice, one on each line.
must_notice() {
  sed -n 's/^Caught by: //p' "$patches_dir/$1.patch" | tr ',' '\n' | sed 's/^ *//; s/ *$//'
}

# Does each patch still apply, and say who must notice, by a name that the matrix has?
check_mutants() {
  local name answer transport found=0
  local -a names transports
  mapfile -t names < <(mutants)
  if ((${#names[@]} == 0)); then
    say "telemetry/mutants has no patch"
    return 1
  fi
  for name in "${names[@]}"; do
    if ! answer=$(git -C "$top" apply --check "$patches_dir/$name.patch" 2>&1); then
      say "telemetry/mutants/$name.patch no longer applies, since the code that it breaks has changed:"
      say "$answer"
      say "break the code again as its first line says, and write the patch anew (see docs/conformance.md)"
      found=1
    fi
    mapfile -t transports < <(must_notice "$name")
    if ((${#transports[@]} == 0)); then
      say "telemetry/mutants/$name.patch does not say which transports must notice: it lacks a line \`Caught by: \`"
      found=1
    fi
    for transport in "${transports[@]}"; do
      if ! grep -qF "=> \"$transport\"," "$top/services/chassis/tests/conformance/transport/mod.rs"; then
        say "telemetry/mutants/$name.patch names \"$transport\", which is no transport of the matrix"
        found=1
      fi
    done
  done
  return $found
}
