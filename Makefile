# `make help` lists the targets.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:

# One way to compile for building, linting and testing, so that each package is compiled once; the race detector needs another.
export CGO_ENABLED := 0
export GOFLAGS     := $(strip $(GOFLAGS) -trimpath)

GO    ?= go
BIN   := $(CURDIR)/bin
TOOLS := $(BIN)/tools

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION ?= $(shell git rev-parse --verify -q HEAD 2>/dev/null || echo unknown)
BRANCH   ?= $(shell git symbolic-ref --short -q HEAD 2>/dev/null || echo unknown)
DATE     ?= $(shell git log -1 --format=%cd --date=format:%Y%m%d-%H:%M:%S 2>/dev/null || echo unknown)
VERSION_PKG := github.com/prometheus/common/version
LDFLAGS  := -s -w -X $(VERSION_PKG).Version=$(VERSION) -X $(VERSION_PKG).Revision=$(REVISION) \
            -X $(VERSION_PKG).Branch=$(BRANCH) -X $(VERSION_PKG).BuildDate=$(DATE)

PROGRAMS  := thorbis_exporter thorbis_mixin

# What only the generator may link.
GENERATOR_ONLY := ^github.com/prometheus/prometheus/(rules|promql)|^github.com/prometheus/alertmanager|^github.com/google/go-jsonnet|^github.com/grafana/grafana-foundation-sdk

LINT_TOOLS := golangci-lint gofumpt govulncheck benchstat actionlint
PACK_TOOLS := manifests perses crds vmalert thanos nfpm cyclonedx-gomod
ALL_TOOLS  := prometheus promtool alertmanager alertmanager-newest amtool pint node_exporter supercronic nats-server $(PACK_TOOLS) $(LINT_TOOLS)

# A number of runs: with a time, Go takes its own deadline for a failure now and then (golang.org/issue/48591).
FUZZTIME ?= 3000x
RUNS     ?= 20
RUN      ?= .
BENCH    ?= .

##@ Build
.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## bin/thorbis_exporter and bin/thorbis_mixin
	@for p in $(PROGRAMS); do echo "build  $$p"; $(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/$$p ./cmd/$$p; done

.PHONY: tools
tools: $(addprefix $(TOOLS)/,$(ALL_TOOLS)) ## bin/tools/: prometheus, promtool, alertmanager, amtool, pint, the linters and what checks packagings

# $(call tool,module under tools/,package,build flags): each tool is rebuilt only when its module changes.
define tool
@mkdir -p $(TOOLS)
@echo "tool   $(notdir $@): building from the Go module proxy (once; Prometheus takes a minute or two)"
@cd tools/$1 && $(GO) build $3 -o $@ $2
@touch $@
endef

# remove_all_sd leaves out the service discovery of every cloud: a static file needs none of it.
$(TOOLS)/prometheus: tools/prometheus/go.mod tools/prometheus/go.sum
	$(call tool,prometheus,github.com/prometheus/prometheus/cmd/prometheus,-tags remove_all_sd)
$(TOOLS)/promtool: tools/prometheus/go.mod tools/prometheus/go.sum
	$(call tool,prometheus,github.com/prometheus/prometheus/cmd/promtool,-tags remove_all_sd)
# The oldest release that is supported. It has its pages, which newer ones lack, so that make run shows it.
$(TOOLS)/alertmanager: tools/alertmanager/go.mod tools/alertmanager/go.sum
	$(call tool,alertmanager,github.com/prometheus/alertmanager/cmd/alertmanager)
$(TOOLS)/amtool: tools/alertmanager/go.mod tools/alertmanager/go.sum
	$(call tool,alertmanager,github.com/prometheus/alertmanager/cmd/amtool)
# The newest release, for tests. Its module lacks the pages that it embeds, and Go takes nothing else in their place within
# its cache of modules.
ALERTMANAGER := github.com/prometheus/alertmanager
$(TOOLS)/alertmanager-newest: tools/alertmanager-newest/go.mod tools/alertmanager-newest/go.sum
	@mkdir -p $(TOOLS)
	@echo "tool   alertmanager-newest: building from the Go module proxy (once)"
	@source=$$(mktemp -d) && trap 'rm -rf "$$source"' EXIT && \
	  cd tools/alertmanager-newest && $(GO) mod download $(ALERTMANAGER) && \
	  cp -R "$$($(GO) list -m -f '{{.Dir}}' $(ALERTMANAGER))/." "$$source" && chmod -R u+w "$$source" && cd "$$source" && \
	  for page in elm mantine; do mkdir -p ui/app/dist/$$page && echo '<title>Alertmanager</title>' >ui/app/dist/$$page/index.html; done && \
	  $(GO) build -o $@ ./cmd/alertmanager
	@touch $@
$(TOOLS)/pint: tools/pint/go.mod tools/pint/go.sum
	$(call tool,pint,github.com/cloudflare/pint/cmd/pint)
# A runner of jobs, for tests of procedures.
$(TOOLS)/supercronic: tools/supercronic/go.mod tools/supercronic/go.sum
	$(call tool,supercronic,github.com/aptible/supercronic)
# A log engine, for tests of streams.
$(TOOLS)/nats-server: tools/nats-server/go.mod tools/nats-server/go.sum
	$(call tool,nats-server,github.com/nats-io/nats-server/v2)
# What packagings are checked with, and made. Manifests is a program of our own with Helm's, Kustomize's and Kubernetes' libraries.
$(TOOLS)/manifests: $(wildcard tools/manifests/*.go) tools/manifests/go.mod tools/manifests/go.sum
	$(call tool,manifests,.)
# Checks dashboards with the Go types of Perses and of those of its plugins whose modules are served.
$(TOOLS)/perses: $(wildcard tools/perses/*.go) tools/perses/go.mod tools/perses/go.sum
	$(call tool,perses,.)
OPERATOR := github.com/prometheus-operator/prometheus-operator
PERSES_OPERATOR := github.com/perses/perses-operator
$(TOOLS)/crds: tools/operator-crds/go.mod tools/operator-crds/go.sum
	@mkdir -p $@ && cd tools/operator-crds && $(GO) mod download $(OPERATOR) $(PERSES_OPERATOR) && \
	  install -m 644 "$$($(GO) list -m -f '{{.Dir}}' $(OPERATOR))"/example/prometheus-operator-crd/*.yaml \
	  "$$($(GO) list -m -f '{{.Dir}}' $(PERSES_OPERATOR))"/config/crd/bases/perses.dev_persesdashboards.yaml $@
	@touch $@
$(TOOLS)/vmalert: tools/vmalert/go.mod tools/vmalert/go.sum
	$(call tool,vmalert,github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert)
# The ruler's own check of rules. The build tag is that of Thanos' own builds.
$(TOOLS)/thanos: tools/thanos/go.mod tools/thanos/go.sum
	$(call tool,thanos,github.com/thanos-io/thanos/cmd/thanos,-tags slicelabels)
$(TOOLS)/nfpm: tools/nfpm/go.mod tools/nfpm/go.sum
	$(call tool,nfpm,github.com/goreleaser/nfpm/v2/cmd/nfpm)
$(TOOLS)/cyclonedx-gomod: tools/sbom/go.mod tools/sbom/go.sum
	$(call tool,sbom,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod)
# Only to compare with.
$(TOOLS)/node_exporter: tools/node_exporter/go.mod tools/node_exporter/go.sum
	$(call tool,node_exporter,github.com/prometheus/node_exporter)
$(TOOLS)/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	$(call tool,lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
$(TOOLS)/gofumpt: tools/lint/go.mod tools/lint/go.sum
	$(call tool,lint,mvdan.cc/gofumpt)
$(TOOLS)/govulncheck: tools/lint/go.mod tools/lint/go.sum
	$(call tool,lint,golang.org/x/vuln/cmd/govulncheck)
$(TOOLS)/actionlint: tools/actionlint/go.mod tools/actionlint/go.sum
	$(call tool,actionlint,github.com/rhysd/actionlint/cmd/actionlint)
$(TOOLS)/benchstat: tools/lint/go.mod tools/lint/go.sum
	$(call tool,lint,golang.org/x/perf/cmd/benchstat)

# The grammar is written in docs/configuration.md; the exporter has a copy, for the schema of the policy.
.PHONY: grammar
grammar:
	@awk '/^```yaml$$/ && !done {on=1; next} /^```$$/ && on {on=0; done=1} on' docs/configuration.md >$(BIN)/grammar.txt
	@cmp -s $(BIN)/grammar.txt config/schema/grammar.txt || cp $(BIN)/grammar.txt config/schema/grammar.txt

# What is released: archives for each platform, packages for Linux, a list of what each program contains, and checksums. Built
# twice, everything is equal: times are those of the commit, and files are in order.
RELEASE_PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
RELEASE           ?= $(CURDIR)/dist
PACKAGE_VERSION    = $(shell v=$$(sed 's/^v//' <<<'$(VERSION)'); case $$v in ([0-9]*.*) echo $$v;; (*) echo "0.0.0~git.$$v";; esac | tr -- - '~')

.PHONY: release
release: $(TOOLS)/nfpm $(TOOLS)/cyclonedx-gomod ## dist/: archives for Linux and macOS, deb, rpm, SBOMs and checksums
	@PLATFORMS='$(RELEASE_PLATFORMS)' OUT='$(RELEASE)' VERSION='$(PACKAGE_VERSION)' TOOLS='$(TOOLS)' GO='$(GO)' \
	  LDFLAGS='$(LDFLAGS)' PROGRAMS='$(PROGRAMS)' SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" bash deploy/packages/release

.PHONY: generate
generate: grammar build ## write the generated rules, routes, dashboards, docs and the schema of the policy into the tree
	@echo "generate"; $(BIN)/thorbis_mixin generate
	@$(BIN)/thorbis_exporter config schema >$(BIN)/schema.json && cp $(BIN)/schema.json deploy/policy/thorbis.schema.json

.PHONY: rdap-bootstrap
rdap-bootstrap: ## collectors/domain/dns.json as IANA publishes it today
	curl -fsS --max-time 60 --max-filesize 4194304 -o $(BIN)/dns.json https://data.iana.org/rdap/dns.json
	cp $(BIN)/dns.json collectors/domain/dns.json
	go test ./collectors/domain -run TestVendoredBootstrap

##@ Prove
.PHONY: check
check: build tools check-bundle check-format check-lint check-workflows check-platforms check-links check-vulnerabilities ## drift, formatting, linters, other platforms

.PHONY: check-bundle check-format check-lint check-workflows check-platforms check-links check-vulnerabilities
check-bundle: build tools
	@echo "check  generated files, rules and routes"
	@PATH="$(TOOLS):$$PATH" $(BIN)/thorbis_mixin check

check-format: $(TOOLS)/gofumpt
	@echo "check  formatting"
	@files=$$($(TOOLS)/gofumpt -l $$($(GO) list -f '{{.Dir}}' ./...)); \
	if [ -n "$$files" ]; then printf 'not formatted; run bin/tools/gofumpt -w on:\n%s\n' "$$files" >&2; exit 1; fi

check-lint: vet $(TOOLS)/golangci-lint
	@echo "check  golangci-lint"; $(TOOLS)/golangci-lint run --allow-parallel-runners ./...

# shellcheck and pyflakes are not in the Go module proxy.
check-workflows: $(TOOLS)/actionlint
	@echo "check  workflows"; $(TOOLS)/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml

# linux/amd64 is what build makes. thorbis_mixin has no code of its own for a platform; one other is enough.
check-platforms:
	@for p in linux/arm64 darwin/arm64; do echo "check  builds for $$p"; \
	  GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/thorbis_exporter; done
	@GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/thorbis_mixin

check-links:
	@echo "check  the exporter does not link the generator's dependencies"
	@deps=$$($(GO) list -deps ./cmd/thorbis_exporter); \
	if found=$$(grep -E '$(GENERATOR_ONLY)' <<<"$$deps"); then printf 'thorbis_exporter links:\n%s\n' "$$found" >&2; exit 1; fi

# The vulnerability database is a service of its own and changes by the hour; the proof needs neither.
check-vulnerabilities: $(TOOLS)/govulncheck
	@if [ -n "$${GOVULNDB:-}" ]; then echo "check  known vulnerabilities in $$GOVULNDB"; $(TOOLS)/govulncheck -db "$$GOVULNDB" ./...; \
	else echo "check  known vulnerabilities: not judged, for the database is not a package registry; set GOVULNDB to https://vuln.go.dev or a file:// copy"; fi

# The real programs that tests run against, as command:Debian package. A test whose program is missing says so and skips.
REAL_PROGRAMS := pg_ctlcluster:postgresql pgbackrest:pgbackrest restic:restic borg:borgbackup barman:barman fio:fio nginx:nginx-light haproxy:haproxy apache2:apache2-bin strace:strace rpm:rpm chromium:chromium

.PHONY: setup
setup: ## install what the tests need and is missing (with apt): a C compiler and the programs they run against
	@missing=""; \
	command -v "$$($(GO) env CC)" >/dev/null || missing="gcc libc6-dev"; \
	for p in $(REAL_PROGRAMS); do command -v "$${p%%:*}" >/dev/null || missing="$$missing $${p##*:}"; done; \
	[ -n "$$missing" ] || exit 0; \
	command -v apt-get >/dev/null || { echo "setup  not installed, and there is no apt-get:$$missing; what needs it is skipped"; exit 0; }; \
	echo "setup  installing$$missing"; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	conf=/etc/postgresql-common/createcluster.conf; \
	[ -e $$conf ] || { $$sudo mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' | $$sudo tee $$conf >/dev/null; }; \
	{ $$sudo apt-get update -qq && $$sudo env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  -o Dpkg::Options::=--force-confold $$missing; } >"$$log" 2>&1 || \
	{ tail -20 "$$log" >&2; echo "setup  could not install$$missing; install them by hand and try again" >&2; exit 1; }

# How long each stage of make test took, in seconds.
STAGES := $(BIN)/stages

# What failed in the stages that run side by side, again and last: between their lines it is easily missed, and a CI server may show
# the end only.
FAILURES := for output in $(BIN)/*.output; do \
	  grep -qs "^took .* failed$$" "$$output" || continue; printf "\nfailed in %s:\n" "$$(basename "$$output" .output)"; \
	  awk -f tools/failures.awk "$$output" | tail -n 80; done

# The stages one after the other, but for the last two: end to end mostly waits, so it runs beside the unit tests. Their lines are
# mixed, and each begins with the name of its stage.
.PHONY: test
test: ## the whole proof: check, fuzzing, unit tests, rules in simulated time, end to end
	@mkdir -p $(BIN); : >$(STAGES); rm -f $(BIN)/*.output; \
	trap '$(FAILURES); echo; echo "stage       seconds"; cat $(STAGES)' EXIT; \
	for stage in tools build check fuzz setup; do $(MAKE) timed-$$stage; done; \
	echo "test   unit tests under the race detector and rules in hours of simulated time; meanwhile end to end"; \
	$(MAKE) -j2 MADE='build tools setup' named-unit named-e2e

# One target, and how long it took; SECONDS counts from the start of its shell. What MADE lists is not made again: two makes that
# build side by side would write the same programs.
timed-%:
	@$(MAKE) $(MADE:%=-o %) $* && result= || result=failed; \
	printf '%-10s %8d %s\n' '$*' "$$SECONDS" "$$result" >>$(STAGES); echo "took   $* $$SECONDS s $$result"; test -z "$$result"

# One target whose lines begin with its name.
named-%:
	@$(MAKE) timed-$* 2>&1 | tee $(BIN)/$*.output | while IFS= read -r line; do printf '%-5s %s\n' '$*' "$$line"; done

# See CONTRIBUTING.md for what it leaves out.
.PHONY: test-quick
test-quick: ## formatting, vet and unit tests, without real servers, simulated time and the race detector
	@mkdir -p $(BIN); : >$(STAGES); trap 'echo; echo "stage       seconds"; cat $(STAGES)' EXIT; \
	for stage in build check-format vet unit-quick; do $(MAKE) timed-$$stage; done

.PHONY: vet unit-quick
vet:
	@echo "check  go vet"; $(GO) vet ./...

# Packages that wait in real time hold a place each, so more of them run at a time than there are processors.
unit-quick: build
	@THORBIS_BIN=$(BIN) $(GO) test -p $$((2 * $$(getconf _NPROCESSORS_ONLN))) \
	  -ldflags=-w -vet=off -short -timeout 10m $$($(GO) list ./... | grep -v '/e2e$$')

# Rules, dashboards, replays and what renders the bundle run without the race detector: they evaluate PromQL and jsonnet for minutes,
# which takes ten times as long under it, and start no goroutines of their own. What must not allocate is tested without it too, for it allocates itself.
PROMQL_TESTS := /(rules(/.*)?|dashboards|mixin(/backtest|/packaging)?)$$
.PHONY: unit
unit: build tools setup ## unit tests
	@failed=; export THORBIS_BIN=$(BIN); \
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $$($(GO) list ./... | grep -vE '/e2e$$|$(PROMQL_TESTS)') || failed=1; \
	$(GO) test -run AllocatesNothing ./collectors/tenant/decode || failed=1; \
	$(GO) test -timeout 45m $$($(GO) list ./... | grep -E '$(PROMQL_TESTS)') || failed=1; \
	test -z "$$failed" # what fails hides nothing else

.PHONY: e2e
e2e: build tools setup ## break the demonstration platform and see the page arrive, with the real programs
	@THORBIS_BIN=$(BIN) $(GO) test -count=1 -v -timeout 30m -parallel 4 ./e2e

# Those in docs are of one width and few enough for git; others are drawn elsewhere.
WIDTHS       ?=
TENANTS      ?=
PICTURES     ?= $(if $(WIDTHS)$(TENANTS)$(MODES),$(BIN)/pictures$(TENANTS:%=-%),$(CURDIR)/docs/pictures)

.PHONY: pictures
pictures: build tools setup ## draw every dashboard of the demonstration into docs/pictures, in about ten minutes (WIDTHS="1920 1280 390" TENANTS=1000 MODES="slow disk": into bin)
	@THORBIS_BIN=$(BIN) THORBIS_PICTURES=$(PICTURES) THORBIS_PICTURES_TENANTS=$(TENANTS) THORBIS_PICTURES_MODES="$(MODES)" \
	  THORBIS_PICTURES_WIDTHS="$(or $(WIDTHS),$(if $(TENANTS)$(MODES),1920))" $(GO) test -count=1 -v -timeout 60m -run '^TestPictures$$' ./e2e

.PHONY: fuzz
fuzz: ## a short pass over every fuzz test (FUZZTIME=3000x)
	@grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | xargs -n 1 dirname | sort -u | \
	  GO='$(GO)' xargs -P "$$(getconf _NPROCESSORS_ONLN)" -n 1 tools/fuzz.sh $(FUZZTIME)

# Tests that draw their stories draw the same ones in make test (internal/testkit/seed.go).
.PHONY: soak
soak: build tools ## tests that draw their stories, with others each time (RUNS=20 RUN='^TestOneCauseOnePage$$')
	@export THORBIS_BIN=$(BIN) THORBIS_TEST_SEED=random; \
	grep -rlE 'testkit\.(Seeds?|Random)\(' --include='*_test.go' . | xargs -n 1 dirname | sort -u | \
	  xargs $(GO) test -count=$(RUNS) -run '$(RUN)' -timeout 0

.PHONY: bench
bench: build ## every benchmark, or one with BENCH=name
	@THORBIS_BIN=$(BIN) $(GO) run ./bench '$(BENCH)'

##@ Look
MODE         ?=
TENANT       ?=
CONSOLE      ?=

DEMO_TOOLS := $(addprefix $(TOOLS)/,prometheus alertmanager $(filter thanos,$(CONSOLE)))
DEMO        = THORBIS_BIN=$(BIN) THORBIS_DEMO_TENANTS=$(TENANTS) THORBIS_DEMO_CONSOLE=$(CONSOLE) exec $(BIN)/demo

.PHONY: run
run: build $(DEMO_TOOLS) ## the whole system on 127.0.0.1, with a platform to break; Ctrl-C stops it (CONSOLE=thanos: with the page of Thanos)
	@$(GO) build -o $(BIN)/demo ./demo
	@$(DEMO)

.PHONY: demo-history
demo-history: build $(DEMO_TOOLS) ## make run with the records of two weeks before, for budgets and reviews
	@$(GO) build -o $(BIN)/demo ./demo
	@$(DEMO) history

.PHONY: run-exporter
run-exporter: build ## the exporter alone, on its embedded default
	@exec $(BIN)/thorbis_exporter

.PHONY: outage
outage: ## break the running demonstration (MODE=refuse, hang, slow, error, brownout, vendor, backup or disk; TENANT=acme breaks one tenant)
	@$(GO) run ./demo outage '$(MODE)' '$(TENANT)'

.PHONY: recover
recover: ## mend all of it
	@$(GO) run ./demo recover

.PHONY: clean
clean: ## remove what was built, but for bin/tools
	@rm -rf $(addprefix $(BIN)/,$(PROGRAMS) demo) data dist
