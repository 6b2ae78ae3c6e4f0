# Everything here sets itself up: Go is all that has to be installed. The race
# detector (make race) also needs a C compiler.

GO       ?= go
FUZZTIME ?= 10s
BIN      := $(CURDIR)/bin

GOFUMPT_VERSION  := v0.12.0
GOLANGCI_VERSION := v2.15.0

.DEFAULT_GOAL := help
.PHONY: help run test race bench load chaos soak startup day fuzz lint generate e2e release

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## serve the sample library on 127.0.0.1:8000
	$(GO) run ./cmd/pressmark demo

test: ## run the tests
	CGO_ENABLED=0 $(GO) test ./...

# SQLite is C made Go: what it allocates is outside of Go's memory, where the
# race detector does not look. Not to ask it at every access saves time.
# Its driver and all else are instrumented. make lint runs vet.
race: ## run the tests with the race detector, in random order
	CGO_ENABLED=1 $(GO) test -race -gcflags=modernc.org/sqlite/lib=-race=false -vet=off -shuffle=on -timeout=20m ./...

bench: ## measure speed and memory against the budget (BOOKS=1000000, ARGS=-help)
	$(GO) run ./internal/bench $(if $(BOOKS),-books $(BOOKS)) $(ARGS)

# Short, as in CI. The long ones, whose results are in docs:
#   make load ARGS="-duration 10m"  make chaos ARGS="-duration 60s"  make soak ARGS="-duration 60m"
load: ## 500 readers on two replicas with all that is beside them (ARGS=-help)
	$(GO) run ./internal/trial load $(ARGS)

chaos: ## the same while one thing after another fails (ARGS="-fault Redis")
	$(GO) run ./internal/trial chaos $(ARGS)

soak: ## Calibre edits the library for a while, under a light load
	$(GO) run ./internal/trial soak $(ARGS)

startup: ## how fast servers start, and stop during downloads
	$(GO) run ./internal/trial startup $(ARGS)

day: ## count Google Drive's requests for two days of 100,000 downloads of 10,000 books
	PRESSMARK_TEST_DRIVE_BOOKS=10000 $(GO) test ./storage/gdrivestore -run TestDay -v -count=1

# One binary for each package, run as "go test -fuzz" would, which links one for
# each target.
fuzz: ## run every fuzz target for FUZZTIME (10s)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && cache=$$($(GO) env GOCACHE)/fuzz && \
	$(GO) list -f '{{.ImportPath}} {{.Dir}}{{range .TestGoFiles}} {{.}}{{end}}{{range .XTestGoFiles}} {{.}}{{end}}' ./... >"$$dir/packages" && \
	while read -r pkg folder files; do \
		[ -n "$$files" ] || continue; \
		targets=$$(cd "$$folder" && sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$files); \
		[ -n "$$targets" ] || continue; \
		$(GO) test -fuzz=. -c -o "$$dir/fuzz.test" "$$pkg" </dev/null || exit 1; \
		for target in $$targets; do \
			echo "== $$pkg $$target"; \
			(cd "$$folder" && "$$dir/fuzz.test" -test.paniconexit0 -test.run '^$$' -test.fuzz "^$$target\$$" \
				-test.fuzztime $(FUZZTIME) -test.fuzzcachedir "$$cache/$$pkg" </dev/null) || exit 1; \
		done; \
	done <"$$dir/packages"

e2e: ## follow docs/deployment.md on Docker Compose, with Calibre, a fake Drive and an S3 server
	PRESSMARK_E2E=1 $(GO) test ./internal/e2e -count=1 -v -timeout=15m

release: ## build the archives of a release into dist/, the same bytes wherever it is done
	$(GO) run ./internal/release -out dist $(if $(VERSION),-version $(VERSION))

lint: $(BIN)/gofumpt-$(GOFUMPT_VERSION) $(BIN)/golangci-lint-$(GOLANGCI_VERSION) ## check format, vet, lint
	@bad=$$($(BIN)/gofumpt-$(GOFUMPT_VERSION) -l .) && [ -z "$$bad" ] || { echo "not formatted with gofumpt:" $$bad; exit 1; }
	$(GO) vet ./...
	$(BIN)/golangci-lint-$(GOLANGCI_VERSION) run ./...

generate: ## refresh what is made from the code: OpenAPI document, .env.example, docs/configuration.md
	$(GO) test ./httpapi -run TestOpenAPI -update
	$(GO) test ./httpapi/server -run TestGenerated -update

# Tools are built from source by version, and never become dependencies of ours.
$(BIN)/gofumpt-$(GOFUMPT_VERSION):
	GOBIN=$(BIN) $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
	mv $(BIN)/gofumpt $@

$(BIN)/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(BIN)/golangci-lint $@
