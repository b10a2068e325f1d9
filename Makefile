# A list of the commands people need. Each line is plain Go; nothing here is required.
BUF         = github.com/bufbuild/buf/cmd/buf@v1.75.0
LINT        = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME   ?= 10m
ROUNDS     ?= 1000
SEEDS      ?= 10000

.PHONY: build demo test long race lint proto bench bench-report growth model powercut powercut-faults kill upgrade reload faults hostile mutants fuzz ci

# A proof writes its report where this names a folder, by its whole path:
# make powercut SMARTCAR_REPORTS=$$PWD/caddymodule/docs/reports
export SMARTCAR_REPORTS

build: ## Caddy with this module, as xcaddy.json says, into ./caddy
	go run ./caddymodule/cmd/build

demo: ## one event's whole way, shown line by line
	go run ./caddymodule/cmd/caddy smartcar demo

test: ## a few minutes; proofs that take longer have a short form in it
	go test ./...

long: ## the same with those proofs as CI runs them; more of each: kill, reload, hostile, powercut, model, faults
	SMARTCAR_LONG=1 SMARTCAR_KILL_ROUNDS=20 SMARTCAR_RELOAD_TIME=30s SMARTCAR_HOSTILE_CONNECTIONS=300 go test -timeout 30m ./...

race:
	go test -race ./...

lint:
	test -z "$$(gofmt -l .)"
	go vet ./...
	go run $(LINT) run

proto: ## regenerate sdk/handlerv1 from sdk/proto
	cd sdk/proto && go run $(BUF) lint && go run $(BUF) generate

bench: ## what a durable 200 costs beside a plain one, and how fast a backlog is delivered, in one run
	go run ./caddymodule/cmd/bench

bench-report: ## the whole benchmark, into caddymodule/docs/reports: about an hour, some 30 GB of disk
	SMARTCAR_REPORTS=caddymodule/docs/reports go run ./caddymodule/cmd/bench -report

growth: ## what receiving and delivering cost with 1 and 5 million stored events
	go run ./caddymodule/cmd/bench -only growth -stored 1000000,5000000

model: ## SEEDS random histories of deliveries, with restarts and power cuts, against a model
	go test ./caddymodule/internal/dispatch -run TestModel -count=1 -timeout 6h -seeds $(SEEDS)

powercut: ## SEEDS random histories of buffer, dispatch and handlers, each with power cuts
	go test ./caddymodule/integration/powercut -run TestPowerCut -count=1 -timeout 2h -seeds $(SEEDS)

powercut-faults: ## plants faults, one at a time, and sees powercut notice them
	go test ./caddymodule/integration/powercut -run TestFaultsAreNoticed -count=1 -timeout 1h -faults

kill: ## kill -9 of Caddy, of the plugin, of both, and SIGTERM, under load, ROUNDS times
	SMARTCAR_KILL_ROUNDS=$(ROUNDS) go test ./caddymodule/integration -run TestKill -count=1 -v -timeout 2h

upgrade: ## restarts and reloads under load with the socket held open; every other start is of the binary FROM, if given
	SMARTCAR_LONG=1 SMARTCAR_UPGRADE_FROM=$(FROM) go test ./caddymodule/integration -run 'TestUpgrade$$' -count=1 -v

reload: ## good and wrong reloads under load for 30 s
	SMARTCAR_RELOAD_TIME=30s go test ./caddymodule/integration -run TestReload -count=1 -v

faults: ## SEEDS random histories on a disk that fails or alters what it holds
	go test ./caddymodule/buffer/disk -run 'TestFaults|TestDamage$$' -count=1 -timeout 2h -seeds $(SEEDS)

hostile: ## attacks beside an honest sender, with 10,000 connections
	SMARTCAR_HOSTILE_CONNECTIONS=10000 go test ./caddymodule/integration -run TestHostile -count=1 -v -timeout 30m

mutants: ## plants faults all over the product, and sees the tests notice them
	go run ./caddymodule/cmd/mutants

fuzz: ## each fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) go run ./caddymodule/cmd/fuzz

ci: ## what CI runs
	.ci/run
