# A handful of short commands do everything.
#
#   make run Q="..."   ask once; without Q, chat
#   make test          install what the tests need and run them
#   make check         style, types, layers, generated docs
#   make bench         measure, against upstream too where it is installed
#   make crash         the long campaign of kills
#   make docs          write the generated reference pages

PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
JOBS ?= 2
export Q

.PHONY: install run test check bench crash docs clean
.DELETE_ON_ERROR:

install: $(BIN)/hermes

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found on PATH."; exit 1; }
	$(PYTHON) -m venv .venv

$(BIN)/hermes: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/.developer: $(BIN)/hermes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,dev]'
	@touch $@

run: install
ifdef Q
	@$(BIN)/hermes chat -q "$$Q"
else
	@$(BIN)/hermes
endif

test: .venv/.developer
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

crash: .venv/.developer
	$(BIN)/python -m pytest -n $(JOBS) -m slow tests/crash

check: .venv/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: .venv/.developer
	$(BIN)/python docs/generate.py

bench: .venv/.developer
	$(BIN)/python bench/run.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
