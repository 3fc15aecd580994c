# shellcheck shell=bash disable=SC2034
# The processes of the stack: their names, the ports that they listen on, and where each reports that it is ready. The
# services are in services.sh.

# In the order in which they are waited for. Grafana is added when the machine has it.
backends=(nats jaeger prometheus alertmanager)

# Everything that a process listens on, the port that a person wants to know first.
declare -A ports=(
  [nats]="4222 8222"
  [jaeger]="16686 16685 4317 4318 5778 5779 8888 8889 13133"
  [prometheus]="9090"
  [alertmanager]="9093"
  [grafana]="3000"
)

declare -A ready_path=(
  [nats]=":8222/healthz?js-enabled-only=true"
  [jaeger]=":13133/status"
  [prometheus]=":9090/-/ready"
  [alertmanager]=":9093/-/ready"
  [grafana]=":3000/api/health"
)

for name in "${services[@]}"; do
  ports[$name]=${service_ports[$name]}
  ready_path[$name]=":${service_ports[$name]##* }/readyz"
done
unset name

main_port() {
  printf '%s\n' "${ports[$1]%% *}"
}

is_process() {
  [[ -n $1 && -n ${ports[$1]:-} ]]
}

is_ready() {
  curl --noproxy "*" --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1${ready_path[$1]}"
}
