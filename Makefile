# Every target sets up what it needs, the virtual environment included.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Nothing but the package index is contacted, and that only by `setup`.
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false

# The parts are processes, and tests start them by the dozen: without bytecode each would compile all of the agent again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo up down status test soak lint format lock bench evals quality kafka kafka-down kube-api alertmanager promtool openid image-lint clean

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: $(READY)  ## make .venv with everything in it

# uv reads its own variables; what was said to pip (environment or pip.conf) is handed on to it.
$(READY): requirements-dev.txt pyproject.toml
	@python=; for one in $${PYTHON:-} python3.11 python3.12 python3.13 python3; do \
	  if "$$one" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$one; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer with the module venv is needed; name it by PYTHON=/path/to/python3 make" >&2; exit 1; \
	fi; \
	[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || "$$python" -m venv --clear $(VENV)
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet uv
	@said() { $(BIN)/python -m pip config get ":env:.$$1" 2>/dev/null || $(BIN)/python -m pip config get "global.$$1" 2>/dev/null || true; }; \
	links=$$(said find-links | xargs | tr ' ' ','); index=$$(said index-url); extra=$$(said extra-index-url | xargs); cert=$$(said cert); \
	[ -z "$$links" ] || export UV_FIND_LINKS="$${UV_FIND_LINKS:-$$links}"; \
	[ -z "$$index" ] || export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; \
	[ -z "$$extra" ] || export UV_INDEX="$${UV_INDEX:-$$extra}"; \
	[ -z "$$cert" ] || export SSL_CERT_FILE="$${SSL_CERT_FILE:-$$cert}"; \
	export VIRTUAL_ENV=$(CURDIR)/$(VENV) UV_LINK_MODE="$${UV_LINK_MODE:-copy}"; \
	echo "installing requirements-dev.txt into $(VENV) (about a minute)"; \
	$(BIN)/uv pip install --quiet --compile-bytecode -r requirements-dev.txt; \
	$(BIN)/uv pip install --quiet --no-deps -e .
	@touch $@

demo: $(READY)  ## run the demonstration (KAFKA=real: on Apache Kafka; KEEP=1: leave it running)
	@$(BIN)/sre demo

up: $(READY)  ## start every part and register the deployments
	@$(BIN)/sre up

down: $(READY)  ## stop everything
	@$(BIN)/sre down

status: $(READY)  ## show each part
	@$(BIN)/sre status

test: $(READY)  ## run all tests, the slow ones included, in two processes (SRE_TEST_PROCESSES=1: in one)
	@processes=$${SRE_TEST_PROCESSES:-2}; [ "$$processes" != 1 ] || processes=0; \
	$(BIN)/python -m pytest -n $$processes

soak: $(READY)  ## run what takes long, with draws of its own: random schedules, loads, outages
	@SRE_SOAK=1 HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest tests/soak tests/domain

lint: $(READY)  ## style, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)  ## put every file into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(READY)  ## compile the pinned requirements from the *.in files
	@for name in requirements requirements-dask requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" $$name.in -o $$name.txt; \
	done

bench: $(READY)  ## measure throughput and latency
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.latency
	@$(BIN)/python -m benchmarks.page_latency

evals: $(READY)  ## ask how often the analysis of incidents is right, without a model and with scripted ones
	@$(BIN)/python -m benchmarks.evals

quality: $(READY)  ## score detection, templates and search on the labelled data in ../shared
	@$(BIN)/python -m benchmarks.quality --out docs/quality.md

kafka: $(READY)  ## start Apache Kafka (Java 17 and Maven)
	@$(BIN)/python -m deployments.kafka_server up

kafka-down: $(READY)  ## stop it
	@$(BIN)/python -m deployments.kafka_server down

kube-api: $(READY)  ## build Kubernetes for the tests (Go 1.26; about seven minutes the first time)
	@$(BIN)/python -m tests.parts.kube_build

alertmanager: $(READY)  ## build Alertmanager for the tests (Go 1.26; about two minutes the first time)
	@$(BIN)/python -m tests.parts.alertmanager_build

promtool: $(READY)  ## build promtool for the tests of our rules (Go 1.26; about four minutes the first time)
	@$(BIN)/python -m tests.parts.promtool_build

openid: $(READY)  ## build the OpenID provider for the tests of logins (Go 1.26; about half a minute the first time)
	@$(BIN)/python -m tests.parts.openid_build

image-lint: $(READY)  ## build what reads Dockerfile and compose file for the tests (Go 1.26; about half a minute the first time)
	@$(BIN)/python -m tests.parts.image_lint_build

clean: $(READY)  ## stop everything and remove its data
	@$(BIN)/python -m deployments.kafka_server down
	@$(BIN)/sre down --remove-data
