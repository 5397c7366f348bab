# `make help` says what there is.

GOLANGCI := v2.15.0
LINT     := .tools/golangci-lint-$(GOLANGCI)
FUZZTIME := 60s
BENCH    :=
CHAOSTIME := 10m
CHAOS    :=

# The version is what git calls this tree. Where git knows nothing, the go command must not ask it either.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
ifneq ($(VERSION),)
LDFLAGS := -X github.com/zfleet/zfleet/internal/cli.released=$(VERSION)
else
export GOFLAGS += -buildvcs=false
endif
export CGO_ENABLED := 1

.PHONY: up
up: build ## start the hello fleet of fleet.toml
	bin/zfleet up fleet.toml

.PHONY: build
build: deps ## build bin/zfleet and the plugins
	go build -ldflags "$(LDFLAGS)" -o bin/ ./cmd/zfleet ./plugins/...

.PHONY: test
test: test-deps build ## run all tests
	go test -pgo=off ./...

.PHONY: check
check: test-deps build $(LINT) ## what a change must pass: format, vet, lint, tests with the race detector
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; } >&2
	go vet -pgo=off ./...
	GOFLAGS="$$GOFLAGS -pgo=off" $(LINT) run
	go test -pgo=off -race ./...

.PHONY: bench
bench: deps build ## measure beside libzmq's own proxy; BENCH="-h" and other flags: docs/benchmarks.md
	bench/run $(BENCH)

.PHONY: growth
growth: deps build ## measure how cost and memory grow; BENCH="-rounds 5" and other flags: docs/benchmarks.md
	bench/run -growth $(BENCH)

.PHONY: churn
churn: deps build ## measure what clients notice when a fleet is scaled, restarted and loses workers
	bench/run -churn -seconds 60 $(BENCH)

.PHONY: profile
profile: deps ## measure anew what the compiler makes fast in bin/zfleet: cmd/zfleet/default.pgo
	go test -pgo=off -run '^$$' -bench '^BenchmarkTurn$$' -benchtime 10s -cpuprofile default.pgo -outputdir cmd/zfleet -o bin/proxy.test ./proxy
	@rm bin/proxy.test

.PHONY: fuzz
fuzz: deps ## run every fuzz target for FUZZTIME=60s
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's|/[^/]*:func | |' | while read -r dir name; do \
		echo "$$name in $$dir"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$dir" </dev/null || exit 1; \
	done

.PHONY: chaos
chaos: test-deps ## a fleet under load while all around it fails, for CHAOSTIME=10m, then again while proxies are killed too; CHAOS="-h" has flags
	go run ./e2e/chaos -time $(CHAOSTIME) $(CHAOS)
	go run ./e2e/chaos -time $(CHAOSTIME) -proxy-kills $(CHAOS)

.PHONY: generate
generate: ## write generated code anew (needs protoc)
	go generate ./...

.PHONY: deps
deps:
	@.ci/deps build

.PHONY: test-deps
test-deps:
	@.ci/deps test

$(LINT):
	@mkdir -p $(@D)
	GOFLAGS= GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	@mv .tools/golangci-lint $@

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .tools

.PHONY: help
help: ## print this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "make %-9s %s\n", $$1, $$2 }'
