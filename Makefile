# The commands a developer needs; CI calls the same ones. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell .ci/pythons | head -n 1)
VENV := .venv
BIN := $(VENV)/bin
# What `make up` and the like need: the whole environment, unless `make install-web` made the small one.
ENVIRONMENT := $(if $(wildcard $(VENV)/.installed),install,$(if $(wildcard $(VENV)/.installed-web),install-web,install))
NO_TORCH := $(filter install-web,$(ENVIRONMENT))
export PIP_DISABLE_PIP_VERSION_CHECK := 1

##@ Use
.PHONY: up demo probes
up: $(ENVIRONMENT) ## start everything in one terminal, on port 8000 or PORT=8001; Ctrl-C stops it
	@$(BIN)/python manage.py up $(if $(PORT),--port $(PORT)) $(ARGS)

demo: install ## run the three copilots, evaluate, probe, review, export a binder and verify it
	@$(BIN)/python -m examples.demo

probes: install ## run every probe on SmolLM2 in the terminal (minutes), with verdicts and controls; ARGS="--help"
	@$(BIN)/python -m examples.probes $(ARGS)

##@ Develop
.PHONY: test test-pythons coverage check fmt schema examples translations bench calibrate-gates calibrate dictionary soak pictures fuzz attack
# A process for each core, each with servers of its own; ARGS="-n 0" runs all in one.
SPREAD := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
test: $(ENVIRONMENT) ## run the whole suite on PostgreSQL and Valkey it starts itself; ARGS="tests/evidence -k gate"
	@$(if $(NO_TORCH),echo "No torch in $(VENV): tests/probes is left out. make install adds it.")
	@$(BIN)/python -m pytest -m "not soak" $(SPREAD) $(if $(NO_TORCH),--ignore=tests/probes) $(ARGS)

# What a Python could do otherwise: load all of our code, and use each library we depend on and those parts of its own
# that we lean on (command lines, ZIP files, sockets, JSON).
PART := tests/requirements tests/config tests/invariants/test_12_no_torch_in_web.py $(patsubst %,tests/%.py, \
  $(addprefix client/test_, cli stands_alone verify_honest zip_format) \
  $(addprefix evidence/test_, citations_verdict gates otlp_api otlp_json_text statistics witnesses))
test-pythons: ## install-web and a part of the suite on each other supported Python found here
	@found=$$(.ci/pythons); echo "Supported Pythons here:" $$found; for python in $$found; do \
	  version=$${python##*python}; \
	  if $(BIN)/python$$version -c '' 2>/dev/null; then continue; fi; \
	  echo "Python $$version, in .venv-$$version"; \
	  PIP_NO_COMPILE=1 $(MAKE) --no-print-directory install-web VENV=.venv-$$version PYTHON=$$python || exit 1; \
	  .venv-$$version/bin/python -m pytest -q -m "not soak" --durations=3 $(SPREAD) $(PART) || exit 1; \
	done

coverage: $(ENVIRONMENT) ## the same, measured: prints what the product's tests run least; pages under var/coverage/html
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -m "not soak" $(SPREAD) $(ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m config.branch_coverage

check: install ## lint, types, import contracts, migrations, schema: counts all failures before it exits
	@$(BIN)/python -m config.checks

fmt: $(ENVIRONMENT) ## format the code and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

schema: $(ENVIRONMENT) ## write the OpenAPI schema and the reference pages that come from the code
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml
	@$(BIN)/python manage.py write_reference

examples: $(ENVIRONMENT) ## take down anew what the API takes and answers, where that has changed, and write the schema
	@TRACEBINDER_TAKE_DOWN=1 $(BIN)/python -m pytest -q $(SPREAD) tests/config/test_api_examples.py -k takes_and_answers $(ARGS)
	@$(MAKE) --no-print-directory schema

translations: $(ENVIRONMENT) ## bring the catalogues up to the texts marked in code and templates, and compile them
	@$(BIN)/python manage.py write_translations

bench: $(ENVIRONMENT) ## run the benchmarks; each prints ratios against a baseline of the same run
	@$(BIN)/python -m bench.ingest $(ARGS)
	@$(BIN)/python -m bench.assembly
	@$(BIN)/python -m bench.reads --sizes 10000
	@$(BIN)/python -m bench.log
	@$(BIN)/python -m bench.binder

calibrate-gates: $(ENVIRONMENT) ## measure what verdicts promise (minutes), write docs/reference/statistics.md; ARGS="--runs 20000 --only TITLE"
	@$(BIN)/python -m bench.calibration --write docs/reference/statistics.md $(ARGS)

calibrate: install ## measure how often probes are wrong (an hour or more, goes on where it was stopped); ARGS="--small"
	@$(BIN)/python -m bench.probe_calibration --write docs/reference/calibration.md $(ARGS)

dictionary: install ## train the dictionary that ships and measure it (minutes), write card and page; ARGS="--check" compares
	@$(BIN)/python -m examples.dictionary $(ARGS)

soak: $(ENVIRONMENT) ## the tests that take minutes: faults in real processes, round after round
	@$(BIN)/python -m pytest -m soak $(ARGS)
	@TRACEBINDER_EXAMPLES=25 $(BIN)/python -m pytest -m "(hypothesis or drawn) and not soak" $(SPREAD) $(ARGS)

pictures: $(ENVIRONMENT) ## take the pictures of the main pages that the guides show, in both languages (needs Chromium)
	@TRACEBINDER_SHOTS=docs/pictures $(BIN)/python -m pytest -q -m soak tests/e2e/test_pictures.py $(ARGS)

fuzz: $(ENVIRONMENT) ## arbitrary bytes into every reader of foreign bytes, a minute each: ARGS="--seconds 60 otlp"
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install -q -c constraints.txt -e '.[fuzz]'
	@$(BIN)/python -m tests.fuzz.run $(ARGS)

attack: $(ENVIRONMENT) ## attack a running copy of its own, figures in docs/reference/security.md: ARGS="matrix bombs"
	@$(BIN)/python -m tests.attack.run $(ARGS)

##@ Set up
.PHONY: install install-web clean help
install: $(VENV)/.installed ## create .venv with the pinned dependencies, torch included; PYTHON=python3.12 chooses one

install-web: $(VENV)/.installed-web ## the same without torch: all but the probes and the demo

$(VENV)/.installed: pyproject.toml constraints.txt client/pyproject.toml | $(BIN)/python
	@echo "Installing pinned dependencies into $(VENV) (torch alone is 200 MB) …"
	@$(BIN)/python -m pip install -q --progress-bar on -c constraints.txt torch==2.13.0
	@$(BIN)/python -m pip install -q --progress-bar on -c constraints.txt -e '.[interpret,dictionaries,examples,dev]' -e ./client
	@touch $@

$(VENV)/.installed-web: pyproject.toml constraints.txt client/pyproject.toml | $(BIN)/python
	@echo "Installing pinned dependencies without torch into $(VENV) …"
	@$(BIN)/python -m pip install -q --progress-bar on -c constraints.txt -e '.[examples,dev]' -e ./client
	@touch $@

$(BIN)/python:
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11, 3.12 or 3.13 here that can make an environment."; \
	  echo "On Debian 12: apt install python3.11 python3.11-venv. On Debian 13: apt install python3.13 python3.13-venv."; \
	  exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv'; then \
	  echo "$$python does not run or cannot make an environment. On Debian: apt install $${python##*/} $${python##*/}-venv"; \
	  exit 1; \
	fi; \
	"$$python" -m venv $(VENV)

clean: ## remove the environments and everything the embedded services wrote
	rm -rf $(VENV) .venv-3.* var .mypy_cache .ruff_cache

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
