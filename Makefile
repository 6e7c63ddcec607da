# Assay. `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
SECONDS ?=
WORKERS ?= 3
BIN := .venv/bin
RUN ?= -m pytest
DISTRIBUTION := --dist loadfile --no-loadscope-reorder
FAST := not kafka and not postgres and not slow and not chaos and not browser and not platforms

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage test-fast test-platforms test-browser screenshots check chaos bench bench-truth bench-agreement bench-conduct schemas requirements clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.installed ## Create .venv and install everything, by hash

.venv/.installed: requirements/dev.txt pyproject.toml schemas/pyproject.toml models/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Assay needs Python 3.11 or newer; this is $$($(PYTHON) -V). Try: make PYTHON=python3.12 ..."; exit 1; }
	@echo "installing into .venv (a few minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e schemas -e models -e .
	@touch $@

demo: setup ## Watch it work: a real Kafka, synthetic annotators, live verdicts (SECONDS=20 ends by itself)
	@$(BIN)/assay demo $(if $(SECONDS),--seconds $(SECONDS))

test: setup ## Run all tests, on three workers with a real Kafka each (WORKERS=0: one after the other)
	@$(BIN)/python $(RUN) -n $(WORKERS) $(DISTRIBUTION) --no-cov

coverage: setup ## Run all tests and hold cores, models and schemas to 100 % branch coverage (a third slower)
	@$(BIN)/python $(RUN) -n $(WORKERS) $(DISTRIBUTION) --cov --cov-report=term:skip-covered --cov-fail-under=100

test-fast: setup ## Run the tests that need no Kafka and no database (about a minute)
	@$(BIN)/python -m pytest -n 2 --no-cov -m "$(FAST)"

test-platforms: setup ## Run the tests against a real Label Studio (installed for it; the first time takes minutes)
	@$(BIN)/python $(RUN) --no-cov -m platforms tests/platforms

test-browser: setup ## Run the tests of the console in a real Chromium (Debian's; installed where that is possible)
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium >/dev/null; } || echo "Chromium could not be installed; these tests are skipped"
	@$(BIN)/python $(RUN) --no-cov -m browser tests/browser

screenshots: setup ## Write every page of the console, light and dark, wide and narrow, to docs/screenshots
	@$(BIN)/python -m tests.browser.screenshots

check: setup ## Lint, types, import contracts, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m assay_services.devtools.asyncapi --check
	@$(BIN)/python -m assay_services.devtools.supported_files --check

chaos: setup ## The full fault test: 200,000 events, kills, a zombie, a broker restart
	@$(BIN)/python -m bench.chaos

bench: setup ## Measure throughput and latency beside peers, and print tables
	@$(BIN)/python -m bench

bench-truth: setup ## Measure truth inference beside crowd-kit and cleanlab on public sets (DATA=folder)
	@$(BIN)/python -m bench.truth $(if $(DATA),--data $(DATA))

bench-agreement: setup ## Simulate how often the intervals of agreement cover the truth
	@$(BIN)/python -m bench.coverage

bench-conduct: setup ## Simulate how often conduct signals are false, and how late they are (about an hour)
	@$(BIN)/python -m bench.conduct

schemas: setup ## Generate schemas/json and docs/supported-files.md anew
	@$(BIN)/python -m assay_services.devtools.asyncapi --write
	@$(BIN)/python -m assay_services.devtools.supported_files --write

requirements: ## Compile the pinned, hashed requirements anew
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet uv
	@printf 'hatchling\neditables\n' > requirements/.build.in
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q --no-emit-package assay-schemas --no-emit-package assay-models pyproject.toml requirements/.build.in -o requirements/base.txt
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q --no-emit-package assay-schemas --no-emit-package assay-models pyproject.toml requirements/.build.in --extra local --extra train --group dev --group bench -o requirements/dev.txt
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q --group compile -c requirements/dev.txt -o requirements/compile.txt
	@rm requirements/.build.in

clean: ## Remove what was installed and what the demo left
	@rm -rf .venv .assay
