.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format constraints clean

PORT ?= 8000
S3_PORT ?= 9000

# The first Python that really starts and is 3.11 or newer; `python3` may be an older one.
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done)
# Python compiles what it imports, which is far less than what is installed.
PIP_INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check
PIP_TOOLS := pip-tools==7.6.2

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## Start the service with an S3 emulator and SQLite (PORT=8000 S3_PORT=9000)
	@.venv/bin/multipart-upload dev --port $(PORT) --s3-port $(S3_PORT)

test: .venv/.all .venv-ministack/.all ## Run every test
	@.venv/bin/python -m pytest --cov

lint: .venv/.all ## Check style, types and the direction of imports
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: .venv/.all ## Format the code and mend what can be mended
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

clean: ## Remove everything that make made
	@rm -rf .venv .venv-* build dist .dev .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Each set-up ends in a stamp, so that it is done once, and again when what it read has changed.
.venv/.run: .venv/.made constraints-build.txt constraints-emulator.txt pyproject.toml
	@echo "Installing the service and the S3 emulator into .venv ..."
	@.venv/bin/python $(PIP_INSTALL) -r constraints-build.txt -r constraints-emulator.txt
	@.venv/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.all: .venv/.made constraints-build.txt constraints.txt pyproject.toml
	@echo "Installing the service and its tools into .venv ..."
	@.venv/bin/python $(PIP_INSTALL) -r constraints-build.txt -r constraints.txt
	@.venv/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# A venv of its own: it pins another botocore than the service.
.venv-ministack/.all: .venv-ministack/.made constraints-ministack.txt
	@echo "Installing MiniStack into .venv-ministack ..."
	@.venv-ministack/bin/python $(PIP_INSTALL) -r constraints-ministack.txt
	@touch $@

.venv/.made .venv-ministack/.made .venv-constraints/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found on PATH." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(@D)
	@touch $@

.venv-constraints/.all: .venv-constraints/.made Makefile
	@.venv-constraints/bin/python $(PIP_INSTALL) $(PIP_TOOLS)
	@touch $@

# No index address, no --find-links and no path of this machine may enter the files.
COMPILE := CUSTOM_COMPILE_COMMAND="make constraints" .venv-constraints/bin/pip-compile --quiet \
	--generate-hashes --allow-unsafe --strip-extras --upgrade --no-emit-index-url \
	--no-emit-trusted-host --no-emit-find-links --no-config

constraints: .venv-constraints/.all ## Pin the newest versions that pyproject.toml allows
	@$(COMPILE) --all-build-deps --only-build-deps -o constraints-build.txt pyproject.toml
	@$(COMPILE) --all-extras -c constraints-build.txt -o constraints.txt pyproject.toml
	@$(COMPILE) --extra emulator -c constraints.txt -o constraints-emulator.txt pyproject.toml
	@$(COMPILE) -c constraints.txt -o constraints-production.txt pyproject.toml
	@echo 'ministack>=1.5,<2' | $(COMPILE) -o constraints-ministack.txt -
