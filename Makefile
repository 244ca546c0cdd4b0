# Two commands for a newcomer: `make demo` and `make test`. Only make and Python 3.11+ are assumed.

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
PYTEST_ARGS ?=
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 0

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CHECKED := build/check
# pyproject.toml alone decides what is installed: the code itself is linked, not copied.
VENV_MADE := $(VENV)/.made
INSTALLED := $(VENV)/.installed
INSTALLED_TEST := $(VENV)/.installed-test

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The tools share one venv and the linters read what the tests write: side by side they disturb
# each other, and the tests bring their own workers.
.NOTPARALLEL:
.PHONY: help demo test check lint types format fuzz clean

help: ## Lists the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1: \2/p' Makefile

demo: $(INSTALLED) ## Plans a real territory's night and places a referral (DEMO="demo --territory senart")
	$(BIN)/slotengine $(DEMO)

test: $(INSTALLED_TEST) ## Runs every test, with a real PostgreSQL (PYTEST_ARGS="-k hold")
	$(BIN)/python -m pytest -n auto --dist loadgroup $(PYTEST_ARGS)

check: lint types test ## Runs exactly what CI runs

lint: $(INSTALLED_TEST) ## Looks at style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# On an installed copy: type checkers can't follow the folder mapping of an editable install.
types: $(INSTALLED_TEST) ## Checks the types
	rm -rf build
	$(PIP) install --quiet --no-deps --target $(CHECKED) .
	cp -r benchmarks $(CHECKED)
	cd $(CHECKED) && "$(abspath $(BIN))/mypy" --strict --config-file "$(CURDIR)/pyproject.toml" -p slotengine -p benchmarks
	rm -rf build

format: $(INSTALLED_TEST) ## Formats the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: $(INSTALLED_TEST) ## Bends payloads and reads them with every reader (FUZZ_SECONDS=600 FUZZ_SEED=1)
	$(BIN)/python tests/fuzz --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)

clean: ## Removes everything that can be made again
	rm -rf "$(VENV)" build dist slotengine.egg-info .coverage htmlcov
	rm -rf fuzz-crashes .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON, for example: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear "$(VENV)"
	touch $@

# --only-binary: every third party must come as a wheel; a missing one is an error, not a compiler.
$(INSTALLED): pyproject.toml $(VENV_MADE)
	$(PIP) install --only-binary=:all: -e .
	touch $@

$(INSTALLED_TEST): pyproject.toml $(VENV_MADE)
	$(PIP) install --only-binary=:all: -e '.[test]'
	touch $(INSTALLED) $@
