# Every target sets up what it needs; plain cargo commands work too, once `make setup` has run.

CARGO ?= cargo
PYTHON ?= python3
REPORT ?= report
# What is built is what Cargo.lock says.
LOCKED ?= --locked
# The judge alone: neither libtorch nor a C++ compiler nor Python.
JUDGE = --no-default-features

.DEFAULT_GOAL := help
.PHONY: help tools setup build judge verify test test-fast gpu lab bench bench-peer bench-paper bench-judge lint

help: ## list these targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

tools:
	@for tool in $(CARGO) $(PYTHON) cc $(firstword $(CXX)); do \
		command -v "$$tool" >/dev/null || { \
			echo "make: error: \`$$tool\` is not on PATH: Rust, Python 3 with pip, gcc and g++ are needed" >&2; \
			exit 66; }; \
	done

setup: tools ## fetch libtorch into .libtorch, unless it is there
	@$(PYTHON) scripts/setup.py </dev/null

build: setup ## compile both programs, repro and repro-engine, into target/release
	@$(CARGO) build --release $(LOCKED) </dev/null

judge: ## compile the judge alone, without libtorch, into target/release
	@$(CARGO) build --release $(JUDGE) $(LOCKED) </dev/null

verify: build ## judge every claim on every evidence, and compare with the expected verdicts
	@status=0; \
	$(CARGO) run --release $(LOCKED) -- verify --expected --report $(REPORT) </dev/null || status=$$?; \
	echo "make: the report, if it was written, is in $(REPORT)/" >&2; \
	exit $$status

test: setup ## run every test, the claims among them
	@$(CARGO) test --release $(LOCKED) </dev/null

test-fast: ## run the tests of the judge and its command line, without libtorch
	@$(CARGO) test --release $(JUDGE) $(LOCKED) --lib --bins --test core --test cli </dev/null

# With a Python of its own, since PyTorch's CUDA libraries find each other in its folders alone.
gpu: setup ## fetch all of libtorch for a GPU into .libtorch/gpu (5 GB); says what to export then
	@$(PYTHON) -m venv .libtorch/gpu
	@.libtorch/gpu/bin/pip install --quiet torch==$$(sed -nE 's|.*"\.libtorch/([0-9.]+)".*|\1|p' .cargo/config.toml)
	@echo "export LD_LIBRARY_PATH=$$(echo $(CURDIR)/.libtorch/gpu/lib/python3*/site-packages/torch/lib)"

lab: setup ## the lab world on a GPU, from packed images to verdicts, in pieces: run it again until it ends
	@[ -n "$$LD_LIBRARY_PATH" ] || $(MAKE) --no-print-directory gpu
	@$(CARGO) build --release --features gpu $(LOCKED) </dev/null
	@: "$${LD_LIBRARY_PATH:=$$(echo $(CURDIR)/.libtorch/gpu/lib/python3*/site-packages/torch/lib)}"; \
	export LD_LIBRARY_PATH; REPORT=$(REPORT) scripts/lab.sh </dev/null

bench: setup ## run the benchmarks
	@$(CARGO) bench $(LOCKED) </dev/null

bench-judge: build ## race the judge against scipy: whole processes, one after the other
	@$(PYTHON) -m venv target/judge
	@target/judge/bin/pip install --quiet --requirement benches/judge/requirements.txt
	@target/judge/bin/python benches/judge/bench.py </dev/null

bench-peer: build ## race the same fine-tunes in plain PyTorch (fetches it into target/peer)
	@$(PYTHON) -m venv target/peer
	@target/peer/bin/pip install --quiet --requirement benches/peer/requirements.txt
	@target/peer/bin/python benches/peer/bench.py </dev/null
	@target/peer/bin/python benches/peer/bench.py --cached </dev/null

bench-paper: setup ## race ResNet-50 at 224 pixels against PyTorch; DEVICE=cuda on a GPU
	@$(PYTHON) -m venv target/peer
	@target/peer/bin/pip install --quiet --requirement benches/paper/requirements.txt
	@target/peer/bin/python benches/paper/bench.py --device $(or $(DEVICE),cpu) --json target/bench-paper.json </dev/null

lint: setup ## check the format, clippy's advice and the documentation, with the engine and without
	@$(CARGO) fmt --check
	@$(CARGO) clippy --release --all-targets --all-features $(LOCKED) </dev/null -- -D warnings
	@$(CARGO) clippy --release --all-targets $(JUDGE) $(LOCKED) </dev/null -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --no-deps --lib $(LOCKED) </dev/null
