# The commands of the project, for people and CI; README.md describes them. cmd/ and tools/ do the work.
SHELL := /bin/sh
STACK ?= local
TOOLS ?= auto
TARGET ?= gateway
FOR ?= 0s
export TOOLS
# With -trimpath, checkouts share what the Go cache holds of the project's packages: compiling one takes seconds, because of
# Pulumi's SDKs. Without tables for debuggers (-w), linking takes a quarter less time. Stack traces do not need them.
export GOFLAGS := -trimpath -ldflags=-w $(GOFLAGS)

# Every target needs Go. This check says in one line that Go is missing or too old.
GO_CHECK := want=$$(sed -n 's/^go //p' go.mod); \
	command -v go >/dev/null 2>&1 || { echo "make: Go $$want or newer is needed and no go command is on PATH: install it from go.dev/dl" >&2; exit 1; }; \
	have=$$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//'); \
	[ "$$(printf '%s\n%s\n' "$$want" "$$have" | sort -V | head -n 1)" = "$$want" ] || { echo "make: Go $$want or newer is needed, this is $$have: install it from go.dev/dl" >&2; exit 1; }

# Build a command of cmd/ if it is out of date, and run it. go build prints a line for each module that it downloads; here they
# are one line. A killed go build leaves its temporary files, so they are in .local, in a folder with the number of the process
# that deletes them, and the next make deletes those of processes that have ended.
RUN = @$(GO_CHECK); for old in .local/compile.*; do kill -0 "$${old\#\#*.}" 2>/dev/null || rm -rf "$$old"; done; \
	tmp="$(CURDIR)/.local/compile.$$$$"; mkdir -p "$$tmp" && \
	{ [ -x .local/$(1) ] || echo "make: compiling the project's own command (a minute or two, this once)" >&2; } && \
	{ log=$$(GOTMPDIR="$$tmp" go build -o .local/$(1) ./cmd/$(1) 2>&1); built=$$?; rm -rf "$$tmp"; [ $$built = 0 ] || { printf '%s\n' "$$log" | grep -v '^go: downloading ' >&2; exit 1; }; } && \
	{ modules=$$(printf '%s\n' "$$log" | grep -c '^go: downloading '); [ "$$modules" = 0 ] || echo "make: downloaded $$modules Go modules" >&2; } && \
	exec .local/$(1)
STACK_CMD = $(call RUN,stack) -stack $(call quoted,STACK) $(if $(filter-out 0 no false,$(call given,YES)),-yes)

.PHONY: help up preview report down status load monitor gameday drill images traffic timeline cost prices env tools review admit test test-changes test-aws test-real rehearse lint bench

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

up: ## bring STACK up (default: local); YES=1 does not ask first
	$(STACK_CMD) up

preview: ## show what `make up` would change
	$(STACK_CMD) preview

# quoted: the value of a variable as one argument of a shell command, with any characters in it.
# given: the value of a variable if it is an argument of make; a variable of that name in the environment does not count.
quoted = '$(subst ','\'',$(value $(1)))'
given = $(if $(filter command,$(firstword $(origin $(1)))),$(value $(1)))

# The flags of a report. With FILE, make report runs no preview and reads records of previews, each as [STACK=]file.
REPORT = $(if $(call given,FORMAT),-format $(call quoted,FORMAT)) $(if $(call given,OUT),-out $(call quoted,OUT)) \
	$(if $(call given,WHOLE),-whole $(call quoted,WHOLE)) $(if $(filter-out 0 no false,$(call given,DIFF)),-diff)

report: ## what `make up` would do: changes, bill, risks, policies; [OF=up|destroy|refresh] [FORMAT=markdown] [OUT=file] [DIFF=1] [FILE=record]
ifneq ($(call given,FILE),)
	@$(GO_CHECK); go run ./cmd/report $(REPORT) $(foreach f,$(call given,FILE),-file '$(subst ','\'',$(f))')
else
	$(STACK_CMD) report $(REPORT) $(if $(call given,OF),-of $(call quoted,OF))
endif

down: ## delete STACK; for local and real, stop its cluster too; YES=1 does not ask first
	$(STACK_CMD) down

status: ## pods, nodes, autoscalers and alerts of a stack on this machine
	$(STACK_CMD) status

load: ## CPU=<cores> [TARGET=gateway|model] [FOR=<time>]: simulate demand on the pods and watch
	$(STACK_CMD) load -cpu '$(CPU)' -target '$(TARGET)' -for '$(FOR)' $(if $(call given,RECORD),-record $(call quoted,RECORD))

drill: ## [TRACE=spike|ramp|wave|day|<file>] [AGAINST=stock|<settings file>]: replay a demand trace on two sets of settings, and compare them
	$(STACK_CMD) drill $(if $(call given,TRACE),-trace $(call quoted,TRACE)) $(if $(call given,AGAINST),-against $(call quoted,AGAINST)) \
		$(if $(call given,RECORD),-record $(call quoted,RECORD)) $(if $(call given,PICTURE),-picture $(call quoted,PICTURE))

monitor: ## Prometheus and Alertmanager for stack local or real, on loopback; [PICTURE=<file> [FOR=30m]]: draw the dashboards
	$(STACK_CMD) monitor $(if $(call given,PICTURE),-picture $(call quoted,PICTURE)) $(if $(call given,FOR),-for $(call quoted,FOR))

gameday: ## [FAULT=<name>|none]: make real faults on stack local or real, wait for the page, repair each as docs/operations.md says; none: half an hour in which nothing may page
	$(STACK_CMD) gameday $(if $(call given,FAULT),-fault $(call quoted,FAULT)) $(if $(call given,RECORD),-record $(call quoted,RECORD))

images: ## [MODEL=<archive>] [GATEWAY=<archive>]: the example's images, or your own as `docker save` writes them, for real nodes
	$(STACK_CMD) images $(if $(call given,MODEL),-model $(call quoted,MODEL)) $(if $(call given,GATEWAY),-gateway $(call quoted,GATEWAY))

traffic: ## [RPS=<requests a second>] [FOR=<time>] [URL=<gateway>]: real requests, and what happened to each
	$(STACK_CMD) traffic $(if $(call given,RPS),-rps $(call quoted,RPS)) $(if $(call given,FOR),-for $(call quoted,FOR)) $(if $(call given,URL),-url $(call quoted,URL))

cost: ## [DEMAND=<0 to 1>]: what every stack costs a month, side by side; no account, no network
	$(call RUN,cost) $(if $(DEMAND),-demand $(call quoted,DEMAND))

prices: ## REGION=<region>: get a region's prices from AWS, which needs credentials, for make cost and the report
	$(call RUN,prices) $(call quoted,REGION)

review: ## STACK=review-<pull request> ACCOUNT=<12 digits>: write the settings of a review stack
	$(STACK_CMD) review -account '$(ACCOUNT)'

admit: ## ROLE=<ARN>: make an IAM role an administrator of the cluster of STACK, which another role made
	$(STACK_CMD) admit $(if $(ROLE),-role $(call quoted,ROLE))

timeline: ## draw docs/load.svg from docs/load.jsonl
	$(STACK_CMD) timeline

env: ## print the variables with which pulumi works here without make
	@$(MAKE) -s tools >&2
	$(STACK_CMD) env

tools: ## get every pinned command (TOOLS=auto|build|fetch); [WITH=nodes,monitoring,rules]: also those that only these need
	@$(GO_CHECK); mkdir -p .local/bin && go run -C tools . -bin "$(CURDIR)/.local/bin" -mode '$(TOOLS)' $(if $(WITH),-with $(call quoted,WITH))

# gotestsum prints a line for each package or, for long tests, for each test. At the end it prints one line with all counts.
GOTESTSUM = go tool -modfile=tools/go.mod gotestsum

test: WITH = rules,monitoring
test: tools ## every test that needs only Go and the Go module proxy
	@echo "test: the tools and the project's packages"
	@$(GOTESTSUM) --format pkgname --jsonfile .local/packages.json --raw-command -- sh -c \
		'go -C tools test -json -count=1 ./... && go test -json -count=1 $$(go list ./... | grep -v "/test/\|/rehearsal/") ./test/recordings'
	@echo "test: stack local on a real control plane (about 35 minutes on two cores)"
	@$(GOTESTSUM) --format testname --jsonfile .local/stack-local.json -- -count=1 -short -timeout 55m ./test/local
	@echo "test: sum"
	@$(GOTESTSUM) --format none --raw-command -- cat .local/packages.json .local/stack-local.json

test-changes: tools ## every setting of the application changed in turn, and make up interrupted at 20 points; make test has the first of them
	@$(GOTESTSUM) --format testname -- -count=1 -timeout 90m -run 'TestWhatever|TestAfterAnInterrupted' ./test/local

# pulumi downloads the AWS and EKS plugins. Without a network, AWS_PLUGINS names a folder that contains them.
test-aws: tools ## the EKS stacks on emulated AWS: needs Python 3, Node.js 20 with npm, the aws command
	@echo "test-aws: the EKS stacks without an account (about half an hour on two cores)"
	@$(GOTESTSUM) --format standard-verbose -- -count=1 -timeout 60m -p 1 ./rehearsal/... ./test/state ./test/privilege ./test/eks

test-real: tools ## [SHORT=1]: stack real, with real nodes and containers: needs Linux, root and Python 3; skips where it cannot run
	@$(GOTESTSUM) --format standard-verbose -- -count=1 -timeout 60m $(if $(call given,SHORT),-short) ./test/real

rehearse: ## STACK=dev|staging|prod: make, use and delete an EKS stack on emulated AWS
	@[ $(call quoted,STACK) = local ] || [ -f Pulumi.$(call quoted,STACK).yaml ] || \
		{ printf 'make rehearse: there is no stack "%s" (no file Pulumi.%s.yaml)\n' $(call quoted,STACK) $(call quoted,STACK) >&2; exit 1; }
	@$(MAKE) -s tools
	@STACK=$(call quoted,STACK) go test -count=1 -timeout 60m -v -run '^TestRehearsal$$' ./test/eks

lint: ## formatting, vet, static analysis
	@$(GO_CHECK); unformatted=$$(git ls-files '*.go' | xargs gofmt -l); [ -z "$$unformatted" ] || { echo "not gofmt-ed:" $$unformatted >&2; exit 1; }
	go vet ./...
	go -C tools vet .
	go tool -modfile=tools/go.mod staticcheck ./...
	cd tools && go tool staticcheck .
	go tool -modfile=tools/go.mod actionlint -shellcheck= -pyflakes=

bench: ## how long the program takes to build, to preview and to run
	go test -run '^$$' -bench . -benchtime 3x -timeout 30m ./program ./test/local
