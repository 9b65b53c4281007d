# Lotkeeper. `make` alone says what there is. CONTRIBUTING.md in .github says how to work here.

SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS     += --no-builtin-rules --no-print-directory

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CACHE    := $(CURDIR)/.cache
STEP     := scripts/setup/step.sh
WEB      := cloud/web
PROGRAMS := ./edge/cmd/lotkeeper-edge ./cloud/cmd/lotkeeper-cloud ./firmware-adapters/cmd/lotsim

# The race detector costs 2 to 10 times the time, so it goes where goroutines are. shared starts none (archcheck).
RACE_PACKAGES  := ./edge/... ./cloud/... ./firmware-adapters/...
PLAIN_PACKAGES := ./shared/... ./scripts/... ./deploy/...

GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

# Files a program writes and people commit. `make gen` writes them, `make drift` compares.
GENERATED := cloud/openapi.yaml $(WEB)/src/api/schema.gen.ts shared/wire/schema

WEB_SOURCES  = $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '$(WEB)/dist/*' \
	-not -path '$(WEB)/e2e/*' -not -path '$(WEB)/test/*' -not -path '*/.*' -not -name '*.gen.d.ts' 2>/dev/null)
WEB_PACKAGES := $(CACHE)/stamp/web-packages
WEB_BUILT    := $(CACHE)/stamp/web-built

# One build configuration for programs, checks and plain tests, so that each library is compiled once for all of them;
# only the race detector needs C, and compiles its own.
export CGO_ENABLED = 0
export GOTOOLCHAIN ?= local
export npm_config_update_notifier = false

##@ Start here

.PHONY: help
help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo

.PHONY: demo
demo: setup-run build doubles ## Run a whole parking lot on this machine and print where to look (DEMO_FOR=60s stops by itself)
	@exec $(CACHE)/bin/demo

.PHONY: test
test: ready ## Run all tests: Go, front end, and the browser against the real programs
	@$(STEP) "go test -race: edge, cloud, firmware-adapters" env CGO_ENABLED=1 go test -race -timeout 15m $(RACE_PACKAGES)
	@$(STEP) "go test: shared, scripts, deploy" go test -timeout 10m $(PLAIN_PACKAGES)
	@$(STEP) "front end: unit tests" npm --prefix $(WEB) run --silent test
	@$(STEP) "front end: Chromium against the programs" npm --prefix $(WEB) run --silent e2e

.PHONY: check
check: ready ## Run what CI runs: lint + drift + test
	@scripts/check.sh lint drift test

##@ Building

.PHONY: build
build: web ## Build the front end and the three programs into bin/
	@mkdir -p bin
	@$(STEP) "build the programs ($(VERSION))" \
		go build -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ $(PROGRAMS)

.PHONY: web
web: $(WEB_BUILT) ## Build the front end into cloud/web/dist (only when its sources changed)

.PHONY: gen
gen: $(WEB_PACKAGES) ## Write all generated files: API document, TypeScript client, wire schemas
	@$(STEP) "generate the API document" scripts/gen.sh cloud/openapi.yaml go run ./cloud/cmd/lotkeeper-cloud openapi
	@$(STEP) "generate the TypeScript client" scripts/gen.sh $(WEB)/src/api/schema.gen.ts \
		$(WEB)/node_modules/.bin/openapi-typescript cloud/openapi.yaml
	@$(STEP) "generate the wire schemas" go run ./scripts/wireschema -out shared/wire/schema

.PHONY: setup
setup: ## Install what is missing on Debian: PostgreSQL, Mosquitto, Chromium, fonts, Modbus peers, a C compiler
	@$(STEP) "install what is missing" scripts/setup/setup.sh test

.PHONY: clean
clean: ## Remove what was built or installed in the tree; the caches of Go and npm stay
	rm -rf bin $(CACHE) $(WEB)/node_modules
	find $(WEB)/dist -mindepth 1 -maxdepth 1 ! -name index.html -exec rm -rf {} + 2>/dev/null || true

##@ Checking

.PHONY: lint
lint: $(GOLANGCI) $(WEB_BUILT) ## Check form and rules: gofmt, go.mod, vet, golangci-lint, archcheck, shellcheck, vue-tsc
	@$(STEP) "gofmt" scripts/gofmt.sh
	@$(STEP) "go.mod is what the imports need" go mod tidy -diff
	@$(STEP) "archcheck" go test ./scripts/archcheck
	@command -v shellcheck >/dev/null || { echo "lint: no shellcheck here: make setup installs it" >&2; exit 1; }
	@$(STEP) "shellcheck" shellcheck -x .ci/run $$(git ls-files '*.sh')
	@$(STEP) "go vet" go vet ./...
	@$(STEP) "golangci-lint" $(GOLANGCI) run
	@$(STEP) "vue-tsc" npm --prefix $(WEB) run --silent typecheck

.PHONY: drift
drift: $(WEB_PACKAGES) ## Fail when a committed generated file is not what `make gen` writes
	@scripts/drift.sh $(GENERATED)

.PHONY: fuzz
fuzz: ## Fuzz every parser (FUZZ_FOR=30s each), then a million stays against the tariff oracle (ONLY=pattern picks)
	@scripts/fuzz.sh

.PHONY: simulate
simulate: ## Run whole lots in virtual time with every kind of fault, each seed twice (SEEDS=200 FROM=1)
	@go run ./scripts/simulate -seeds "$(or $(SEEDS),200)" -from "$(or $(FROM),1)"

.PHONY: mutants
mutants: ## Plant bugs, one at a time, and prove that the tests catch each (ONLY=name picks)
	@go run ./scripts/mutants -only "$(ONLY)"

.PHONY: nightly
nightly: ready ## What takes hours: 200 kills and 100 power cuts of real booths, 200 simulated lots, planted bugs, fuzzing (KILLS=200)
	@$(STEP) "kill booths $(or $(KILLS),200) times" env LOTKEEPER_KILLS=$(or $(KILLS),200) \
		go test -timeout 4h -count 1 -run 'TestKillBooths|TestPowerCut' ./deploy/systemtest
	@$(MAKE) simulate
	@$(MAKE) mutants
	@$(MAKE) fuzz

.PHONY: bench
bench: build ## Measure, print a table, append to bench.jsonl (ONLY=P1,P5 picks)
	@go run ./scripts/bench -only "$(ONLY)"

# --- What the targets above stand on ----------------------------------------------------------------------------------

.PHONY: setup-run
setup-run:
	@$(STEP) "install what is missing" scripts/setup/setup.sh run

# The three wait mostly for the network, so they go together; everything after them needs no network.
.PHONY: ready
ready:
	@$(MAKE) -j3 setup $(WEB_PACKAGES) go-modules
	@$(MAKE) build doubles

# What is run beside the programs and never shipped: the demo, and the double of the payment provider.
.PHONY: doubles
doubles:
	@mkdir -p $(CACHE)/bin
	@$(STEP) "build the demo and the payment double" go build -o $(CACHE)/bin/ ./scripts/demo ./cloud/fakepay/cmd/fakepay

.PHONY: go-modules
go-modules:
	@$(STEP) "download Go modules" go mod download

# npm ci starts by deleting node_modules, so what Ctrl-C leaves behind is repaired by the next run: the stamp comes last.
$(WEB_PACKAGES): $(WEB)/package.json $(WEB)/package-lock.json
	@mkdir -p $(@D)
	@$(STEP) "front end: install packages" npm --prefix $(WEB) ci --no-audit --no-fund --loglevel error
	@touch $@

$(WEB_BUILT): $(WEB_PACKAGES) $(WEB_SOURCES)
	@mkdir -p $(@D)
	@$(STEP) "front end: build" scripts/web.sh $(WEB) $(CACHE)/web
	@touch $@

$(GOLANGCI):
	@mkdir -p $(@D)
	@$(STEP) "build golangci-lint $(GOLANGCI_VERSION) (once, about 2 minutes)" env GOBIN=$(CACHE)/bin \
		go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(CACHE)/bin/golangci-lint $@
