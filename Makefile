# The commands that a person types. `make` alone lists them.

MAKEFLAGS += --no-print-directory
native := deploy/native

.DEFAULT_GOAL := help

##@ The stack on this machine

up: ## Install, build and start everything, then run one minute of auctions (LOAD=0 leaves those out)
	@$(native)/up.sh

status: ## What runs where: state, process id, readiness, memory
	@$(native)/status.sh

logs: export SERVICE := $(SERVICE)
logs: ## Follow one log: make logs SERVICE=auction (FOLLOW=0 prints its last lines)
	@$(native)/logs.sh

down: ## Stop the stack; data and logs stay
	@$(native)/down.sh

clean: ## Stop the stack and remove its data and logs; what was built stays
	@$(native)/clean.sh

loadtest: ## Whole auctions on schedule against the running stack; fails when an SLO is missed (RATE=2 DURATION=60s)
	@$(native)/loadtest.sh

overhead: ## What tracing costs the services per awarded auction; fails above 1.05 of none (RATE=10 DURATION=15s ROUNDS=6)
	@$(native)/overhead.sh

outage: ## What a service does while its collector is killed, hangs, is slow, refuses or is full; needs no stack
	@$(native)/outage.sh

##@ The code

test: ## Every test, against the real components; installs what it needs
	@$(native)/test.sh

test-compose: ## docker-compose.yml for real: up on any engine, one auction, its trace, a kill, down
	@deploy/container/test.sh

bench: ## What telemetry costs per request, beside its peers, and how it grows (ROUNDS=9 REQUESTS=40000 MINUTES=10)
	@telemetry/benches/run.sh

fuzz: ## A million hostile requests against the reading of contexts (RUNS=1000000 SEED=1); needs a C++ compiler
	@telemetry/fuzz/run.sh

mutants: ## Break the code in every way that conformance/mutants knows (ONLY='grpc-*'); fails when a break is not noticed
	@$(native)/mutants.sh

check: ## Are the generated files current, do the alert rules pass their tests, and do the mutants still apply?
	@$(native)/check.sh

generate: ## Write the signals, alert rules, runbooks, dashboards and the OpenAPI document anew from their sources
	@$(native)/generate.sh

fmt: ## Format the Rust code
	cargo fmt --all

deny: ## Licences, bans and sources of every dependency; installs cargo-deny when it is missing
	@$(native)/deny.sh bans licenses sources

advisories: ## Known vulnerabilities; fetches the advisory database, so it needs to reach GitHub
	@$(native)/deny.sh advisories

##@ This list

help: ## The commands
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up status logs down clean loadtest overhead outage test test-compose bench fuzz mutants check generate fmt deny advisories help
