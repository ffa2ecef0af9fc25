# The two commands of the README are `make demo` and `make test`; each makes its own .venv first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: install demo test lint lint-js docs format bench clean
.DEFAULT_GOAL := install

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "slidesum needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

# torch first, so that the pin decides which build everything after it meets
$(VENV)/.user: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) torch
	$(PIP) --editable '.[train]'
	@touch $@

$(VENV)/.developer: $(VENV)/.user
	$(PIP) --editable '.[dev]'
	@touch $@

install: $(VENV)/.developer

demo: $(VENV)/.user
	$(BIN)/slidesum demo

# what needs no arrays is covered line by line; the rest runs untraced, which is twice as fast
COVERED := tests/core tests/notation tests/laws tests/draft tests/show/test_cost.py
test: $(VENV)/.developer
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --cov=slidesum --cov-report= $(COVERED)
	$(BIN)/coverage report --include='src/slidesum/core/*,src/slidesum/notation/*,src/slidesum/laws/*' --fail-under=95
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(COVERED))

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# the page's modules; nothing else needs Node
lint-js:
	npm ci --no-audit --no-fund
	npx eslint .
	npx tsc

format: $(VENV)/.developer
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.developer
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "built: site/index.html"

bench: $(VENV)/.developer
	$(BIN)/slidesum bench

clean:
	rm -rf $(VENV) node_modules site slidesum-demo runs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
