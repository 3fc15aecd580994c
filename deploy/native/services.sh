# Generated from services/chassis/src/platform.rs by `make generate`; do not edit.
# shellcheck shell=bash disable=SC2034

services=(gateway account catalog auction reward order payment notification)

# The port that serves callers, and the one with /metrics and /readyz.
declare -A service_ports=(
  [gateway]="8080 9180"
  [account]="50051 9181"
  [catalog]="50052 9182"
  [auction]="50053 9183"
  [reward]="50054 9184"
  [order]="50055 9185"
  [payment]="50056 9186"
  [notification]="50057 9187"
)
