# Each target sets up what it needs. A fresh machine needs Python 3.11 or newer and make; `clients` also needs npm.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE_SDK := tests/conformance/sdk/node_modules/.installed
NODE_CLIENTS := tests/conformance/node/node_modules/.installed $(NODE_SDK)
NODE_BENCH := bench/peers/express/node_modules/.installed $(NODE_SDK)
NPM := $(shell command -v npm 2>/dev/null)
PYTHON_CLIENTS := .clients/twilio-9/.installed .clients/twilio-7/.installed .clients/twilio-6/.installed

.DEFAULT_GOAL := help
.PHONY: help setup run test model clients conformance ratchet mutants torture bench lint format types check lock docs clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/dev.stamp  ## everything for development, in .venv

run: $(VENV)/run.stamp  ## a server on http://localhost:8080, SQLite in ./data
	@$(BIN)/chinwag serve

test: $(VENV)/dev.stamp  ## every test, on SQLite and on a real PostgreSQL, with coverage
	$(BIN)/pytest --cov --cov-report=term -m "not clients"

model: $(VENV)/dev.stamp  ## 500 random histories on each engine, compared step by step with a model of the rules
	MODEL_EXAMPLES=500 $(BIN)/pytest -s tests/model

# Without npm the Node libraries and the SDK are skipped, and without Chromium what runs in a browser; in CI that is
# a failure.
clients: $(VENV)/dev.stamp $(PYTHON_CLIENTS) $(if $(NPM)$(filter true,$(CI)),$(NODE_CLIENTS))  ## the official client libraries and SDK, unmodified, against a server
	$(BIN)/pytest -m clients

conformance: $(VENV)/dev.stamp $(PYTHON_CLIENTS) $(if $(NPM),$(NODE_CLIENTS))  ## the same against any server: URL, ACCOUNT_SID, AUTH_TOKEN, API_KEY_SID, API_KEY_SECRET
	$(BIN)/pytest -m clients tests/conformance $(if $(URL),--server-url $(URL))

ratchet: $(VENV)/dev.stamp  ## after `make test`: whether tests reach as much of the code as they did
	cd tests && ../$(BIN)/python -m support.ratchet

mutants: $(VENV)/dev.stamp  ## code that is wrong in one place, and whether tests see it; half an hour
	cd tests && ../$(BIN)/python -m support.mutants

# The page with "=", or pytest takes it for a place to look for tests, and finds none of their options.
torture: $(VENV)/dev.stamp  ## how reliable a server is, at full length, about an hour; writes docs/reliability.md
	$(BIN)/pytest --torture --torture-page=docs/reliability.md -m "not clients"

# Without npm there is no peer to compare with, and the SDK itself is not measured.
bench: $(VENV)/dev.stamp $(if $(NPM),$(NODE_BENCH))  ## speed, as ratios of what this machine can do; writes docs/performance.md
	$(BIN)/python -m bench --page docs/performance.md

lint: $(VENV)/dev.stamp  ## style and format, without changing anything
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/dev.stamp  ## mend style and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/dev.stamp  ## types, strictly
	$(BIN)/pyright

check: lint types test ratchet clients  ## what CI runs

docs: $(VENV)/dev.stamp  ## what the documents must say: every setting, error and route, and links that lead somewhere
	$(BIN)/pytest -q tests/test_documented.py

lock: $(VENV)/dev.stamp  ## pin the newest versions of everything in requirements/
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml requirements/build.in -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--group dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	for major in 6 7 9; do \
		$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			requirements/twilio-$$major.in -o requirements/twilio-$$major.txt; \
	done

clean:  ## remove what the other targets made, except ./data
	rm -rf $(VENV) .clients $(dir $(NODE_CLIENTS) $(NODE_BENCH)) build .pytest_cache .ruff_cache .hypothesis .coverage*

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Chinwag needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp requirements/run.txt pyproject.toml
	@echo "Setting up $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

.clients/%/.installed: requirements/%.txt
	$(PYTHON) -m venv .clients/$*
	.clients/$*/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

%/node_modules/.installed: %/package.json %/package-lock.json
	cd $* && npm ci
	@touch $@
