# A list of the commands people need. Each line is plain Go; nothing here is required.
BUF         = github.com/bufbuild/buf/cmd/buf@v1.75.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
LINT        = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME   ?= 30s
ROUNDS     ?= 200

SEEDS      ?= 5000

.PHONY: build demo test race lint proto bench kill reload model fuzz ci

build: ## Caddy with this module, as xcaddy.json says, into ./caddy
	go run ./caddymodule/cmd/build

demo: ## one event's whole way, shown line by line
	go run ./caddymodule/cmd/caddy smartcar demo

test:
	go test ./...

race:
	go test -race ./...

lint:
	test -z "$$(gofmt -l .)"
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(LINT) run

proto: ## regenerate sdk/handlerv1 from sdk/proto
	cd sdk/proto && go run $(BUF) lint && go run $(BUF) generate

bench: ## what a durable 200 costs beside a plain one, and how fast a backlog is delivered, in one run
	go run ./caddymodule/cmd/bench

kill: ## kill -9 under load, ROUNDS times
	SMARTCAR_KILL_ROUNDS=$(ROUNDS) go test ./caddymodule/integration -run TestKill -count=1 -v -timeout 2h

reload: ## good and wrong reloads under load for 30 s
	SMARTCAR_RELOAD_TIME=30s go test ./caddymodule/integration -run TestReload -count=1 -v

model: ## SEEDS random histories of deliveries, with restarts and power cuts, against a model
	go test ./caddymodule/internal/dispatch -run TestModel -count=1 -timeout 2h -seeds $(SEEDS)

fuzz: ## each fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) .ci/fuzz

ci: ## what CI runs
	.ci/run
