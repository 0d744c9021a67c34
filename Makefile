# Every target sets up what it needs. After `make setup`, plain cargo commands work too.

CARGO ?= cargo
PYTHON ?= python3
REPORT ?= report
# Build the versions in Cargo.lock.
LOCKED ?= --locked
# The judge alone, without libtorch, a C++ compiler and Python.
JUDGE = --no-default-features

.DEFAULT_GOAL := help
.PHONY: help tools setup build judge verify test test-fast gpu lab
.PHONY: bench bench-peer bench-paper bench-judge lint

help: ## list these targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

tools:
	@for tool in $(CARGO) $(PYTHON) cc $(firstword $(CXX)); do \
		command -v "$$tool" >/dev/null || { \
			echo "make: error: \`$$tool\` is missing: install Rust, Python 3 with pip, gcc and g++" >&2; \
			exit 66; }; \
	done

setup: tools ## download libtorch into .libtorch, if it is missing
	@$(PYTHON) scripts/setup.py </dev/null

build: setup ## compile both programs, repro and repro-engine, into target/release
	@$(CARGO) build --release $(LOCKED) </dev/null

judge: ## compile the judge alone, without libtorch, into target/release
	@$(CARGO) build --release $(JUDGE) $(LOCKED) </dev/null

verify: build ## judge every claim on all evidence, and compare with the expected verdicts
	@status=0; \
	$(CARGO) run --release $(LOCKED) -- verify --expected --report $(REPORT) </dev/null \
		|| status=$$?; \
	echo "make: note: the report, if it was written, is in $(REPORT)/" >&2; \
	exit $$status

test: setup ## run all tests, including the claims
	@$(CARGO) test --release $(LOCKED) </dev/null

test-fast: ## run the tests of the judge and its command line, without libtorch
	@$(CARGO) test --release $(JUDGE) $(LOCKED) --lib --bins --test core --test cli </dev/null

# In a virtual environment, since PyTorch's CUDA libraries find each other only in its folders.
gpu: setup ## download libtorch for a GPU into .libtorch/gpu (5 GB), and print what to export
	@$(PYTHON) -m venv .libtorch/gpu
	@version=$$(sed -nE 's|.*"\.libtorch/([0-9.]+)".*|\1|p' .cargo/config.toml); \
	.libtorch/gpu/bin/pip install --quiet torch==$$version
	@echo "export LD_LIBRARY_PATH=$$(echo $(CURDIR)/.libtorch/gpu/lib/python3*/site-packages/torch/lib)"

lab: setup ## run the lab world on a GPU up to its time limit; repeat until it exits without 75
	@[ -n "$$LD_LIBRARY_PATH" ] || $(MAKE) --no-print-directory gpu
	@$(CARGO) build --release $(LOCKED) </dev/null
	@: "$${LD_LIBRARY_PATH:=$$(echo $(CURDIR)/.libtorch/gpu/lib/python3*/site-packages/torch/lib)}"; \
	export LD_LIBRARY_PATH; REPORT=$(REPORT) scripts/lab.sh </dev/null

bench: setup ## run the benchmarks
	@$(CARGO) bench $(LOCKED) </dev/null

bench-judge: build ## compare the speed of the judge with scipy, in separate processes
	@$(PYTHON) -m venv target/judge
	@target/judge/bin/pip install --quiet --requirement benches/judge/requirements.txt
	@target/judge/bin/python benches/judge/bench.py </dev/null

bench-peer: build ## compare the speed with plain PyTorch (downloads it into target/peer)
	@$(PYTHON) -m venv target/peer
	@target/peer/bin/pip install --quiet --requirement benches/peer/requirements.txt
	@target/peer/bin/python benches/peer/bench.py </dev/null
	@target/peer/bin/python benches/peer/bench.py --cached </dev/null

bench-paper: setup ## compare ResNet-50 at 224 pixels with PyTorch; DEVICE=cuda for a GPU
	@$(PYTHON) -m venv target/peer
	@target/peer/bin/pip install --quiet --requirement benches/paper/requirements.txt
	@target/peer/bin/python benches/paper/bench.py --device $(or $(DEVICE),cpu) \
		--json target/bench-paper.json </dev/null

lint: setup ## check format, clippy and documentation, with and without the engine
	@$(CARGO) fmt --check
	@$(CARGO) clippy --release --all-targets --all-features $(LOCKED) </dev/null -- -D warnings
	@$(CARGO) clippy --release --all-targets $(JUDGE) $(LOCKED) </dev/null -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --no-deps --lib $(LOCKED) </dev/null
