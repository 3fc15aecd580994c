#!/usr/bin/env bash
# make clean: stops the stack and removes what it has written. What was built stays.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

[[ ! -f $supervisor_conf ]] || stop_stack
rm -rf "$stack"
[[ $(dirname "$socket") == "$stack" ]] || rmdir "$(dirname "$socket")"
say "removed .stack/. Kept, because they take long to build:"
say "  the services     cargo clean"
say "  their backends   rm -r $cache"
