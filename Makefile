.DEFAULT_GOAL := help
.PHONY: help setup demo test soak bench check format protos

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything pinned

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vitascope needs Python 3.11 or newer; name it with: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python lacks venv; on Debian: apt install python3-venv"; exit 1; }
	@echo "installing the pinned packages into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## start the suite, process a real video and a task, say what happened
	@$(BIN)/python -m cli.demo

test: setup ## run the whole test suite
	@$(BIN)/pytest

soak: setup ## break everything under load, move 8 GB, make 50,000 thumbnails: hours (tests/faults: minutes)
	@VITASCOPE_SOAK=1 $(BIN)/pytest -s tests/faults/test_chaos.py tests/faults/test_broker_away.py tests/faults/test_many_transfers.py tests/media/test_quality_collection.py tests/faults/test_many_thumbs.py

bench: setup ## measure gateway and ledger beside peers (needs h2load, redis-server, Go); more: bench/README.md
	@$(BIN)/python -m bench.gateway
	@$(BIN)/python -m bench.ledger

check: setup ## format, lint, types, import contracts, and the contract's own checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/protos

format: setup ## format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

protos: setup ## compile the contract into protos/python
	$(BIN)/python protos/generate.py
