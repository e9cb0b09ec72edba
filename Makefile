# The commands a developer needs; CI calls the same ones. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

##@ Use
.PHONY: demo up
demo: install ## run the three copilots, evaluate, probe, review, export a binder and verify it
	@$(BIN)/python -m examples.demo

up: install ## start everything in one terminal; Ctrl-C stops it
	@$(BIN)/python manage.py up

##@ Develop
.PHONY: test coverage check fmt schema bench soak fuzz
test: install ## run the whole suite on PostgreSQL and Valkey it starts itself
	@$(BIN)/python -m pytest -m "not soak" $(ARGS)

coverage: install ## the same, measured: prints what the product's tests run least; pages under var/coverage/html
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -m "not soak" $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m config.branch_coverage

check: install ## lint, types, import contracts, migrations, schema: counts all failures before it exits
	@$(BIN)/python -m config.checks

fmt: install ## format the code and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

schema: install ## write the OpenAPI schema and the reference pages that come from the code
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml
	@$(BIN)/python manage.py write_reference

bench: install ## run the benchmarks; each prints ratios against a baseline of the same run
	@$(BIN)/python -m bench.ingest $(ARGS)
	@$(BIN)/python -m bench.assembly
	@$(BIN)/python -m bench.reads --sizes 10000
	@$(BIN)/python -m bench.log

soak: install ## the tests that take minutes: faults in real processes, round after round
	@$(BIN)/python -m pytest -m soak $(ARGS)

fuzz: install ## arbitrary bytes into every reader of foreign bytes, a minute each: ARGS="--seconds 60 otlp"
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install -q -c constraints.txt -e '.[fuzz]'
	@$(BIN)/python -m tests.fuzz.run $(ARGS)

##@ Set up
.PHONY: install clean help
install: $(VENV)/.installed ## create .venv with the pinned dependencies

$(VENV)/.installed: pyproject.toml constraints.txt client/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing. On Debian: apt install python3.11 python3.11-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3.11-venv is missing. On Debian: apt install python3.11-venv"; exit 1; }
	@echo "Installing pinned dependencies into $(VENV) (torch alone is 200 MB) …"
	@$(BIN)/python -m pip install -q --progress-bar on -c constraints.txt torch==2.13.0
	@$(BIN)/python -m pip install -q --progress-bar on -c constraints.txt -e '.[interpret,examples,dev]' -e ./client
	@touch $@

clean: ## remove the environment and everything the embedded services wrote
	rm -rf $(VENV) var .mypy_cache .ruff_cache

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
