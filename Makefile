.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos bench lint format docs locks screenshots clean

PORT ?= 8000
UPGRADE ?= --upgrade
CHAOS_TESTS ?= tests

# The first Python that starts and is 3.11 or newer; `python3` may be older.
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done)
# COMPILE_ALL writes the bytecode afterwards, on all cores and even with PYTHONDONTWRITEBYTECODE:
# without bytecode every start takes seconds longer.
PIP_INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check
# Quiet twice: setuptools warns about the link multipart_upload, which is intended.
EDITABLE := --quiet --no-deps --no-build-isolation -e .
EDITABLE_CLIENT := --no-deps --no-build-isolation -e clients/python
COMPILE_ALL := -m compileall -q -j 0
PIP_TOOLS := pip-tools==7.6.2

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## Start the service with files in a folder and SQLite (PORT=8000 DATA=folder)
	@.venv/bin/multipart-upload dev --port $(PORT) $(if $(DATA),--data $(DATA))

# Three processes, because tests often wait for servers; the tests of a file share a process.
test: .venv/.all .venv-ministack/.all .venv/.npm-azurite .venv/.npm-browser .venv/.npm-oidc ## Run all tests except chaos (TEST=pytest options, such as --cov)
	@.venv/bin/python -m pytest --numprocesses 3 --dist loadfile $(TEST)

chaos: .venv/.all .venv-ministack/.all ## Kill the service and its servers under load (CHAOS_ROUNDS=30)
	@.venv/bin/python -m pytest -m chaos --timeout 0 $(CHAOS_TESTS)

# Needs wrk, from Debian. Without npm the table lacks Companion.
bench: .venv/.all benchmarks/peers/companion/node_modules ## Compare with alternatives and write docs/performance (BENCH=options)
	@.venv/bin/python -m benchmarks $(BENCH)

lint: .venv/.all ## Check style, types and import rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: .venv/.all ## Format the code and apply automatic fixes
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

docs: .venv/.all ## Generate the reference pages and build the site into site/
	@PYTHONPATH=. .venv/bin/python docs/generate_reference.py
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs --quiet build

screenshots: .venv/.all ## Take docs/screenshots again (needs chromium; best with Inter installed)
	@.venv/bin/python -m pytest --quiet tests/browser/screenshots.py

clean: ## Remove everything that make has created
	@rm -rf .venv .venv-* build dist site .dev .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache *.egg-info clients/python/build clients/python/src/*.egg-info benchmarks/peers/companion/node_modules \
		tests/*/node_modules tests/browser/*/node_modules
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Each setup touches a stamp file, so that it runs once, and again when its inputs change.
.venv/.run: .venv/.made locks/production.txt pyproject.toml
	@echo "Installing the service into .venv ..."
	@.venv/bin/python $(PIP_INSTALL) -r locks/production.txt
	@.venv/bin/python $(PIP_INSTALL) $(EDITABLE)
	@.venv/bin/python $(COMPILE_ALL) .venv/lib
	@touch $@

.venv/.all: .venv/.made locks/development.txt pyproject.toml clients/python/pyproject.toml
	@echo "Installing the service and its tools into .venv ..."
	@.venv/bin/python $(PIP_INSTALL) -r locks/development.txt
	@.venv/bin/python $(PIP_INSTALL) $(EDITABLE)
	@.venv/bin/python $(PIP_INSTALL) $(EDITABLE_CLIENT)
	@.venv/bin/python $(COMPILE_ALL) .venv/lib
	@touch $@

benchmarks/peers/companion/node_modules: benchmarks/peers/companion/package.json
	@if command -v npm >/dev/null; then cd $(@D) && npm install --no-audit --no-fund --no-package-lock --silent; fi

# A separate venv, because MiniStack pins another botocore than the service.
.venv-ministack/.all: .venv-ministack/.made locks/ministack.txt
	@echo "Installing MiniStack into .venv-ministack ..."
	@.venv-ministack/bin/python $(PIP_INSTALL) -r locks/ministack.txt
	@.venv-ministack/bin/python $(COMPILE_ALL) .venv-ministack/lib
	@touch $@

# Uppy, Azurite and an OpenID provider, only for tests, which are skipped without npm.
.venv/.npm-%: .venv/.made tests/%/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "Installing tests/$*/node_modules ..."; \
		npm ci --prefix tests/$* --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo "npm is not on PATH: tests are skipped that need tests/$*."; fi

# The pip that comes with Python takes twice as long as the pinned one.
.venv/.made .venv-ministack/.made .venv-locks/.made: locks/build.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found on PATH." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python $(PIP_INSTALL) -r locks/build.txt
	@touch $@

.venv-locks/.all: .venv-locks/.made Makefile
	@.venv-locks/bin/python $(PIP_INSTALL) $(PIP_TOOLS)
	@touch $@

# The lock files must not contain index URLs, --find-links or local paths.
COMPILE := CUSTOM_COMPILE_COMMAND="make locks" .venv-locks/bin/pip-compile --quiet \
	--generate-hashes --allow-unsafe --strip-extras $(UPGRADE) --no-emit-index-url \
	--no-emit-trusted-host --no-emit-find-links --no-config

DEVELOPMENT := --extra azure --extra bench --extra contract --extra docs --extra lint --extra postgres --extra redis --extra test --extra traces

BUILD := import tomllib; print("pip", *tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

locks: .venv-locks/.all ## Pin the newest versions that pyproject.toml allows (UPGRADE= keeps pinned versions)
	@.venv-locks/bin/python -c '$(BUILD)' | $(COMPILE) -o locks/build.txt -
	@$(COMPILE) $(DEVELOPMENT) -c locks/build.txt -o locks/development.txt pyproject.toml clients/python/pyproject.toml
	@$(COMPILE) --extra azure --extra postgres --extra redis --extra traces -c locks/development.txt -o locks/production.txt pyproject.toml
	@echo 'ministack>=1.5,<2' | $(COMPILE) -o locks/ministack.txt -
