.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos bench lint format docs locks screenshots clean

PORT ?= 8000
S3_PORT ?= 9000
UPGRADE ?= --upgrade
CHAOS_TESTS ?= tests

# The first Python that really starts and is 3.11 or newer; `python3` may be an older one.
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done)
# Bytecode comes from all cores afterwards, and in spite of PYTHONDONTWRITEBYTECODE: without it every
# start takes seconds longer.
PIP_INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check
# Quiet twice: setuptools warns of the link multipart_upload, which is the very same code.
EDITABLE := --quiet --no-deps --no-build-isolation -e .
COMPILE_ALL := -m compileall -q -j 0
PIP_TOOLS := pip-tools==7.6.2

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## Start the service with an S3 emulator and SQLite (PORT=8000 S3_PORT=9000)
	@.venv/bin/multipart-upload dev --port $(PORT) --s3-port $(S3_PORT)

# Two at a time, as they wait for servers more than they compute; a file's own stay together.
test: .venv/.all .venv-ministack/.all .venv/.npm ## Run every test but those of chaos (TEST=options, as --cov)
	@.venv/bin/python -m pytest --numprocesses 2 --dist loadfile $(TEST)

chaos: .venv/.all .venv-ministack/.all ## Kill what is needed, under load, CHAOS_ROUNDS=30 times each
	@.venv/bin/python -m pytest -m chaos --timeout 0 $(CHAOS_TESTS)

# wrk is Debian's; without npm the table has no Companion.
bench: .venv/.all benchmarks/peers/companion/node_modules ## Measure it beside others into docs/performance (BENCH=options)
	@.venv/bin/python -m benchmarks $(BENCH)

lint: .venv/.all ## Check style, types and the direction of imports
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: .venv/.all ## Format the code and mend what can be mended
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

docs: .venv/.all ## Generate the reference pages and build the site into site/
	@PYTHONPATH=. .venv/bin/python docs/generate_reference.py
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs --quiet build

screenshots: .venv/.all ## Make docs/screenshots anew (needs chromium; looks best with Inter installed)
	@.venv/bin/python -m pytest --quiet tests/browser/screenshots.py

clean: ## Remove everything that make made
	@rm -rf .venv .venv-* build dist site .dev .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache *.egg-info benchmarks/peers/companion/node_modules \
		tests/browser/node_modules tests/browser/*/node_modules
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Each set-up ends in a stamp, so that it is done once, and again when what it read has changed.
.venv/.run: .venv/.made locks/embedded.txt pyproject.toml
	@echo "Installing the service and the S3 emulator into .venv ..."
	@.venv/bin/python $(PIP_INSTALL) -r locks/embedded.txt
	@.venv/bin/python $(PIP_INSTALL) $(EDITABLE)
	@.venv/bin/python $(COMPILE_ALL) .venv/lib
	@touch $@

.venv/.all: .venv/.made locks/development.txt pyproject.toml
	@echo "Installing the service and its tools into .venv ..."
	@.venv/bin/python $(PIP_INSTALL) -r locks/development.txt
	@.venv/bin/python $(PIP_INSTALL) $(EDITABLE)
	@.venv/bin/python $(COMPILE_ALL) .venv/lib
	@touch $@

benchmarks/peers/companion/node_modules: benchmarks/peers/companion/package.json
	@if command -v npm >/dev/null; then cd $(@D) && npm install --no-audit --no-fund --no-package-lock --silent; fi

# A venv of its own: it pins another botocore than the service.
.venv-ministack/.all: .venv-ministack/.made locks/ministack.txt
	@echo "Installing MiniStack into .venv-ministack ..."
	@.venv-ministack/bin/python $(PIP_INSTALL) -r locks/ministack.txt
	@.venv-ministack/bin/python $(COMPILE_ALL) .venv-ministack/lib
	@touch $@

# Uppy, for tests in a browser alone: without npm they are skipped.
.venv/.npm: .venv/.made tests/browser/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "Installing Uppy into tests/browser/node_modules ..."; \
		npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo "There is no npm on PATH: the tests with Uppy cannot run."; fi

# The pip that comes with Python takes twice as long as the pinned one.
.venv/.made .venv-ministack/.made .venv-locks/.made: locks/build.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found on PATH." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python $(PIP_INSTALL) -r locks/build.txt
	@touch $@

.venv-locks/.all: .venv-locks/.made Makefile
	@.venv-locks/bin/python $(PIP_INSTALL) $(PIP_TOOLS)
	@touch $@

# No index address, no --find-links and no path of this machine may enter the files.
COMPILE := CUSTOM_COMPILE_COMMAND="make locks" .venv-locks/bin/pip-compile --quiet \
	--generate-hashes --allow-unsafe --strip-extras $(UPGRADE) --no-emit-index-url \
	--no-emit-trusted-host --no-emit-find-links --no-config

DEVELOPMENT := --extra bench --extra contract --extra docs --extra emulator --extra lint --extra postgres --extra test

BUILD := import tomllib; print("pip", *tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

locks: .venv-locks/.all ## Pin the newest versions that pyproject.toml allows (UPGRADE= keeps what is pinned)
	@.venv-locks/bin/python -c '$(BUILD)' | $(COMPILE) -o locks/build.txt -
	@$(COMPILE) $(DEVELOPMENT) -c locks/build.txt -o locks/development.txt pyproject.toml
	@$(COMPILE) --extra emulator -c locks/development.txt -o locks/embedded.txt pyproject.toml
	@$(COMPILE) --extra postgres -c locks/development.txt -o locks/production.txt pyproject.toml
	@echo 'ministack>=1.5,<2' | $(COMPILE) -o locks/ministack.txt -
