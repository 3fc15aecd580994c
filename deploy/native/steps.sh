# shellcheck shell=bash
# Runs work in numbered steps, and shows how long each takes and the last line that it printed.
#
# A script sets `steps_total`, then calls `step NAME HINT COMMAND...` for each. The command's output goes to a log of
# its own. On a terminal, the last line and the time are updated in place; elsewhere a line is printed every ten seconds.
# When a step fails, its name, the last lines of its log and the hint are printed, and the script ends.

step_number=0
steps_total=${steps_total:-0}
step_pid=

say() { printf '%s\n' "$*"; }

fail() {
  printf '\nfailed: %s\n' "$1" >&2
  [[ -z ${2:-} ]] || printf 'what to do: %s\n' "$2" >&2
  exit 1
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# The last line of a log, without colours and carriage returns, cut to a width.
last_line() {
  tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | grep -v '^[[:space:]]*$' |
    tail -n 1 | cut -c1-"$2" || true
}

interrupted() {
  if [[ -n $step_pid ]]; then
    kill -TERM -- "-$step_pid" 2>/dev/null || true
  fi
  printf '\ninterrupted; what has been started keeps running (make down stops it)\n' >&2
  exit 130
}

step() {
  local name=$1 hint=$2
  shift 2
  step_number=$((step_number + 1))
  local title="[$step_number/$steps_total] $name"
  local log="$logs/step-$step_number.log"
  local began=$SECONDS next_line=10 elapsed status=0 width

  mkdir -p "$logs"
  : >"$log"
  trap interrupted INT TERM
  # A process group of its own, so that an interrupt ends everything that the step has started.
  set -m
  ("$@") >"$log" 2>&1 </dev/null 9>&- &
  step_pid=$!
  set +m

  [[ -t 1 ]] || printf '%s ...\n' "$title"
  while kill -0 "$step_pid" 2>/dev/null; do
    elapsed=$((SECONDS - began))
    if [[ -t 1 ]]; then
      width=$(($(tput cols 2>/dev/null || echo 80) - ${#title} - 12))
      printf '\r\033[K%s  %s  %s' "$title" "$(clock $elapsed)" "$(last_line "$log" $((width > 10 ? width : 10)))"
      sleep 0.5
    else
      if ((elapsed >= next_line)); then
        printf '%s  %s  %s\n' "$title" "$(clock $elapsed)" "$(last_line "$log" 100)"
        next_line=$((elapsed + 10))
      fi
      sleep 0.1
    fi
  done
  wait "$step_pid" || status=$?
  step_pid=
  trap - INT TERM

  elapsed=$(clock $((SECONDS - began)))
  [[ ! -t 1 ]] || printf '\r\033[K'
  if ((status != 0)); then
    printf '%s  %s  FAILED\n\nthe last lines of %s:\n' "$title" "$elapsed" "${log#"$top"/}" >&2
    tail -n 20 "$log" | sed 's/^/  | /' >&2
    fail "$name" "$hint"
  fi
  printf '%s  %s  %s\n' "$title" "$elapsed" "$(last_line "$log" 80)"
}
