# The commands of this project. `make help` lists them.

GO            ?= go
PORT          ?= 5000
BIN           := bin/miner
GPU_BIN       := bin/miner-gpu
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS       := -s -w -X main.version=$(VERSION)
FUZZTIME      ?= 20s
FUZZ_EXECUTIONS ?= 100000000
RUN_DIR       ?= run
KERNELS_HASHES ?= 1000000000
ATTACK        ?= 60s
CYCLES        ?= 1000

export CGO_ENABLED ?= 0

.PHONY: help build run test lint vulncheck fuzz fuzz-long attack kernels-long crash bench bench-gpu dist image clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

build: ## build bin/miner, and bin/miner-gpu beside it
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/miner
	$(GO) build -trimpath -ldflags '-s -w' -o $(GPU_BIN) ./cmd/miner-gpu

run: build ## start a node on port 5000 that makes a wallet if there is none, and mines
	@echo "A node starts on port $(PORT) in the folder $(RUN_DIR). Ctrl-C stops it."
	@echo "Ask it from another terminal: curl localhost:$(PORT)/v1/status"
	$(BIN) -p $(PORT) --data-dir $(RUN_DIR) --create-wallet --mine

test: ## run everything: checks, tests under the race detector, fuzz seeds, benchmarks once
	@.ci/test

lint: ## gofmt, go vet, staticcheck, gosec, import arrows and function lengths
	@.ci/lint

vulncheck: ## look for known vulnerabilities in what is used; asks vuln.go.dev
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

fuzz: ## fuzz every target for FUZZTIME (20s, or a number of executions such as 200000x) each
	@.ci/fuzz $(FUZZTIME)

fuzz-long: ## fuzz all targets for FUZZ_EXECUTIONS (10^8) in all; can be stopped and goes on where it was
	@.ci/fuzz-long $(FUZZ_EXECUTIONS)

attack: ## let hostile clients and peers attack a node for ATTACK (60s) each, and measure it
	ATTACK=$(ATTACK) $(GO) test -count=1 -timeout 2h -run '^(TestAttacks|TestHostilePeers)$$' -v ./cmd/miner

kernels-long: ## compare KERNELS_HASHES (10^9) hashes of every kernel with portable code
	KERNELS_HASHES=$(KERNELS_HASHES) $(GO) test -count=1 -timeout 6h -run '^TestKernelsAgree$$' -v ./miner/kernel

crash: ## kill a node CYCLES (1000) times and look for all it acknowledged; CRASH_SEED repeats a run
	CRASH_CYCLES=$(CYCLES) $(GO) test -count=1 -timeout 6h -run '^TestKilledAtRandomInstants$$' -v ./cmd/miner

bench: ## all benchmarks
	$(GO) test -run '^$$' -bench . ./bench

bench-gpu: build ## measure this machine's GPUs beside its CPUs: a table, and bench-gpu.json
	$(BIN) devices --why >&2
	$(BIN) bench --gpu --json-file bench-gpu.json $(BENCH)

dist: ## build the archives and packages of all systems in dist/, the same bytes each time
	$(GO) run ./deploy/dist

image: ## build the container image miner; needs a container engine
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) -t miner .

clean: ## remove what build made
	rm -rf bin dist
