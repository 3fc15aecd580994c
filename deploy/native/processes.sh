# shellcheck shell=bash disable=SC2034
# The processes of the stack: their names, what they listen on, and how each says that it is ready.

services=(gateway account catalog auction reward order payment notification)

# In the order in which they are worth waiting for. Grafana is one more when the machine has it.
backends=(nats jaeger prometheus alertmanager)

# Everything that a process listens on, the port that a person wants to know first.
declare -A ports=(
  [nats]="4222 8222"
  [jaeger]="16686 16685 4317 4318 5778 5779 8888 8889 13133"
  [prometheus]="9090"
  [alertmanager]="9093"
  [grafana]="3000"
  [gateway]="8080 9180"
  [account]="50051 9181"
  [catalog]="50052 9182"
  [auction]="50053 9183"
  [reward]="50054 9184"
  [order]="50055 9185"
  [payment]="50056 9186"
  [notification]="50057 9187"
)

declare -A ready_path=(
  [nats]=":8222/healthz?js-enabled-only=true"
  [jaeger]=":13133/status"
  [prometheus]=":9090/-/ready"
  [alertmanager]=":9093/-/ready"
  [grafana]=":3000/api/health"
  [gateway]=":9180/readyz"
  [account]=":9181/readyz"
  [catalog]=":9182/readyz"
  [auction]=":9183/readyz"
  [reward]=":9184/readyz"
  [order]=":9185/readyz"
  [payment]=":9186/readyz"
  [notification]=":9187/readyz"
)

main_port() {
  printf '%s\n' "${ports[$1]%% *}"
}

is_process() {
  [[ -n $1 && -n ${ports[$1]:-} ]]
}

is_ready() {
  curl --noproxy "*" --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1${ready_path[$1]}"
}
