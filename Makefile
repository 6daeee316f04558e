# What people and CI call. The work is done by cmd/stack and tools; the contract is in README.md.
SHELL := /bin/sh
STACK ?= local
TOOLS ?= auto
TARGET ?= gateway
FOR ?= 0s
export TOOLS

# The first thing that every target needs, with one clear word where it is missing.
GO_CHECK := want=$$(sed -n 's/^go //p' go.mod); \
	command -v go >/dev/null 2>&1 || { echo "make: Go $$want or newer is needed and no go command is on PATH: install it from go.dev/dl" >&2; exit 1; }; \
	have=$$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//'); \
	[ "$$(printf '%s\n%s\n' "$$want" "$$have" | sort -V | head -n 1)" = "$$want" ] || { echo "make: Go $$want or newer is needed, this is $$have: install it from go.dev/dl" >&2; exit 1; }

STACK_CMD = @$(GO_CHECK); mkdir -p .local && \
	{ [ -x .local/stack ] || echo "make: compiling the project's own command (a minute or two, this once)" >&2; } && \
	go build -o .local/stack ./cmd/stack && exec .local/stack -stack $(call quoted,STACK) $(if $(filter-out 0 no false,$(call given,YES)),-yes)

.PHONY: help up preview report down status load timeline cost env tools review admit test test-aws rehearse lint bench

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

up: ## bring STACK up (default: local); YES=1 does not ask first
	$(STACK_CMD) up

preview: ## show what `make up` would change
	$(STACK_CMD) preview

# A word as one argument of a shell command, whatever is in it; and one that is given to make itself: a variable of this name
# in somebody's environment is something else's.
quoted = '$(subst ','\'',$(value $(1)))'
given = $(if $(filter command,$(firstword $(origin $(1)))),$(value $(1)))

# How a report is written, and of what. FILE names records of previews, as [STACK=]file, instead of running one.
REPORT = $(if $(call given,FORMAT),-format $(call quoted,FORMAT)) $(if $(call given,OUT),-out $(call quoted,OUT)) \
	$(if $(call given,WHOLE),-whole $(call quoted,WHOLE)) $(if $(filter-out 0 no false,$(call given,DIFF)),-diff)

report: ## what `make up` would do: changes, bill, risks, policies; [OF=up|destroy|refresh] [FORMAT=markdown] [OUT=file] [DIFF=1] [FILE=record]
ifneq ($(call given,FILE),)
	@$(GO_CHECK); go run ./cmd/report $(REPORT) $(foreach f,$(call given,FILE),-file '$(subst ','\'',$(f))')
else
	$(STACK_CMD) report $(REPORT) $(if $(call given,OF),-of $(call quoted,OF))
endif

down: ## take STACK down; for local, stop its cluster too; YES=1 does not ask first
	$(STACK_CMD) down

status: ## pods, nodes and autoscalers of stack local
	$(STACK_CMD) status

load: ## CPU=<cores> [TARGET=gateway|model] [FOR=<time>]: put demand on the pods and watch
	$(STACK_CMD) load -cpu '$(CPU)' -target '$(TARGET)' -for '$(FOR)' $(if $(RECORD),-record '$(RECORD)')

cost: ## [DEMAND=<0 to 1>]: what every stack costs a month, side by side; no account, no network
	$(STACK_CMD) cost $(if $(DEMAND),-demand $(call quoted,DEMAND))

review: ## STACK=review-<pull request> ACCOUNT=<12 digits>: write the settings of a review stack
	$(STACK_CMD) review -account '$(ACCOUNT)'

admit: ## ROLE=<ARN>: make an IAM role an administrator of the cluster of STACK, which another made
	$(STACK_CMD) admit $(if $(ROLE),-role $(call quoted,ROLE))

timeline: ## draw docs/load.svg from docs/load.jsonl
	$(STACK_CMD) timeline

env: ## print what to export so that plain pulumi works here
	@$(MAKE) -s tools >&2
	$(STACK_CMD) env

tools: ## get every pinned command (TOOLS=auto|build|fetch)
	@$(GO_CHECK); mkdir -p .local/bin && go run -C tools . -bin "$(CURDIR)/.local/bin" -mode '$(TOOLS)'

# A line a package, or a line a test where they take long, and at the end one line that says how many ran in all.
GOTESTSUM = go tool -modfile=tools/go.mod gotestsum

test: tools ## every test that needs only Go and the module proxy
	@echo "test: the tools, and the rules"
	@$(GOTESTSUM) --format pkgname --jsonfile .local/rules.json --raw-command -- sh -c \
		'go -C tools test -json -count=1 ./... && go test -json -count=1 $$(go list ./... | grep -v "/test/\|/rehearsal/")'
	@echo "test: the stack on a real control plane, as people use it (about 10 minutes on two cores)"
	@$(GOTESTSUM) --format testname --jsonfile .local/rehearsal.json -- -count=1 -timeout 40m ./test/local
	@echo "test: all of it"
	@$(GOTESTSUM) --format none --raw-command -- cat .local/rules.json .local/rehearsal.json

# On an ordinary network pulumi fetches the AWS and EKS plugins by itself; AWS_PLUGINS names a folder that holds them.
test-aws: tools ## the EKS stacks on emulated AWS: needs Python 3, Node.js 20 with npm, the aws command
	@echo "test-aws: an EKS stack, whole, without an account (about 15 minutes on two cores)"
	@$(GOTESTSUM) --format standard-verbose -- -count=1 -timeout 40m -p 1 ./rehearsal/emulator ./test/state ./rehearsal/machines ./test/privilege ./test/eks

rehearse: ## STACK=dev|staging|prod: the story of an EKS stack from nothing to nothing, on emulated AWS
	@[ $(call quoted,STACK) = local ] || [ -f Pulumi.$(call quoted,STACK).yaml ] || \
		{ printf 'make rehearse: there is no stack "%s" (no file Pulumi.%s.yaml)\n' $(call quoted,STACK) $(call quoted,STACK) >&2; exit 1; }
	@$(MAKE) -s tools
	@STACK=$(call quoted,STACK) go test -count=1 -timeout 30m -v -run '^TestRehearsal$$' ./test/eks

lint: ## formatting, vet, static analysis
	@$(GO_CHECK); unformatted=$$(git ls-files '*.go' | xargs gofmt -l); [ -z "$$unformatted" ] || { echo "not gofmt-ed:" $$unformatted >&2; exit 1; }
	go vet ./...
	go -C tools vet .
	go tool -modfile=tools/go.mod staticcheck ./...
	cd tools && go tool staticcheck .
	go tool -modfile=tools/go.mod actionlint -shellcheck= -pyflakes=

bench: ## how long the program takes to build, to preview and to construct
	go test -run '^$$' -bench . -benchtime 3x -timeout 30m ./program ./test/local
