# shellcheck shell=bash
# The accounts that exist from the start: an admin, and the load generator, whose traces the gateway trusts. Their
# passwords are generated once per clone and kept in .stack/credentials.env, which only its owner can read. Variables
# that are exported already take precedence.

credentials_file="$stack/credentials.env"

secret() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

# Exports BIDTRACE_ADMIN_* and BIDTRACE_LOAD_*; generates them the first time.
load_credentials() {
  local line name
  mkdir -p "$stack"
  if ! [[ -s $credentials_file ]]; then
    (
      umask 077
      cat >"$credentials_file" <<CREDENTIALS
BIDTRACE_ADMIN_EMAIL=admin@bidtrace.example
BIDTRACE_ADMIN_PASSWORD=$(secret)
BIDTRACE_LOAD_EMAIL=load@bidtrace.example
BIDTRACE_LOAD_PASSWORD=$(secret)
CREDENTIALS
    )
  fi
  while read -r line; do
    name=${line%%=*}
    [[ -n ${!name:-} ]] || export "$name=${line#*=}"
  done <"$credentials_file"
}
