# A list of the commands people need. Each line is plain Go; nothing here is required.
BUF         = github.com/bufbuild/buf/cmd/buf@v1.75.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
LINT        = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME   ?= 30s
ROUNDS     ?= 200

.PHONY: build demo test race lint proto bench kill fuzz ci

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

bench: ## what a durable 200 costs beside a plain one, in one run
	go run ./caddymodule/cmd/bench

kill: ## kill -9 under load, ROUNDS times
	SMARTCAR_KILL_ROUNDS=$(ROUNDS) go test ./caddymodule/integration -run TestKill -count=1 -v -timeout 2h

fuzz: ## each fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) .ci/fuzz

ci: ## what CI runs
	.ci/run
