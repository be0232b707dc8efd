# `make help` lists the targets. PYTHON is any Python >= 3.11; all else is installed into .venv.
PYTHON ?= python3
COMPOSE ?= docker compose
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run dev test soak check evaluate bench screenshots format client clients lock sbom audit house up down smoke logs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## create .venv with pinned packages and build the page; does nothing when up to date
	@$(PYTHON) deploy/setup_environment.py
	@$(BIN)/python deploy/build_page.py

setup-dev:
	@$(PYTHON) deploy/setup_environment.py --dev
	@$(BIN)/python deploy/build_page.py --dev

run: setup ## run the whole system on this machine, in the foreground; Ctrl-C stops it
	@exec $(BIN)/movie-search up $(ARGS)

dev: setup-dev ## like run, but the API and the page reload when their code changes
	@exec $(BIN)/python deploy/dev.py $(ARGS)

test: setup-dev ## run all tests; ARGS=tests/unit runs a part
	@deploy/install_test_programs.sh
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest -n auto --dist loadfile --max-worker-restart 0 -m "not alone"
	$(BIN)/python -m pytest -m alone
endif

soak: setup-dev ## run fault and property tests for hours; ARGS=tests/faults/test_x.py runs one
	SOAK=1 $(BIN)/python -m pytest --timeout 7200 \
	  $(or $(ARGS),tests/faults $$(grep -rl 'from hypothesis' tests/unit tests/integration))

check: setup-dev ## check format, lint, types and import rules, run unit tests; about a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -n auto -m "not data" tests/unit
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix services/query/ui run --silent check
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix services/query/ui run --silent test

house: setup-dev ## count modules, names and words; ARGS="../old ." compares checkouts
	@$(BIN)/python -m tests.support.house $(ARGS)

evaluate: setup ## measure the ranking on ../shared/data; ARGS=--small takes a minute
	@$(BIN)/python -m services.evaluation $(ARGS)

bench: setup-dev ## measure speed and memory, compare with targets and peers; ARGS=--quick is rough
	@$(BIN)/python -m tests.benchmarks $(ARGS)

screenshots: setup-dev ## retake the pictures in docs/screenshots
	@deploy/install_test_programs.sh
	$(BIN)/python -m tests.e2e.screenshots

format: setup-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

client: setup-dev ## regenerate the typed client of the page after a change of the API
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m services.query.client_files

clients: setup-dev ## make packages of Python and TypeScript clients in build/clients
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m services.query.client_packages

lock: setup-dev ## pin the newest versions that pyproject.toml allows
	deploy/lock.sh

sbom: setup-dev ## write the software bill of materials into build/sbom (CycloneDX)
	@$(BIN)/python deploy/sbom.py

audit: setup-dev ## check the pinned packages for known vulnerabilities; needs a network
	$(BIN)/uv tool run pip-audit==2.10.1 -r deploy/locks/runtime.txt --no-deps --disable-pip
	$(BIN)/uv tool run pip-audit==2.10.1 -r deploy/locks/dev.txt --no-deps --disable-pip
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix services/query/ui audit

up: ## build and start with docker compose
	@deploy/make_secrets.sh
	$(COMPOSE) up --build --detach --wait

down: ## stop the containers of `make up`; the data is kept
	$(COMPOSE) down

smoke: ## build and run the compose file as a separate project, and test the whole system
	$(PYTHON) deploy/smoke.py

logs: ## follow the logs of the containers
	$(COMPOSE) logs --follow --tail 100

clean: ## remove .venv and caches; the data is kept
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
