# make test and make demo are all that a newcomer needs: each sets .venv up by itself.
# Needed on the host: python3 (3.11 to 3.13), python3-venv, git, make.

PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements/lock.txt
GRAFANA_LOCK := requirements/grafana.txt
RUNTIME_LOCK := requirements/runtime.txt
PYTEST := $(BIN)/python -m pytest
# Timing-free tests over two workers; a file's tests share a worker, so each file compiles once.
WORKERS ?= 2
SUITE := $(PYTEST) -p no:benchmark -n $(WORKERS) --dist loadfile
HOT_SUITES := tests/unit tests/property
FAST := not soak and not vm
PIP_COMPILE := pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help test demo bench soak campaign test-vm release lint format lock clean

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 10

test: lint ## lint, types, contracts, then the tests three ways
	@echo '== hot code uncompiled (NUMBA_DISABLE_JIT=1)'
	NUMBA_DISABLE_JIT=1 $(SUITE) -m 'hot and not compiled and $(FAST)' $(HOT_SUITES)
	@echo '== hot code compiled with bounds checks (NUMBA_BOUNDSCHECK=1)'
	NUMBA_BOUNDSCHECK=1 $(SUITE) -m 'hot and $(FAST)' $(HOT_SUITES)
	@echo '== the benchmarks, once each and without judging their speed'
	$(PYTEST) --benchmark-disable benchmarks
	@echo '== the whole suite, compiled'
	$(SUITE) -m '$(FAST)' tests

demo: .venv/.ready ## the main job on this machine, with nothing configured
	@$(BIN)/appliance demo

bench: .venv/.ready ## measure: speeds and bars, in one process on one core
	$(PYTEST) --benchmark-only --benchmark-sort=name benchmarks

soak: .venv/.ready ## the long tests: large examples, stress, hours rather than minutes
	HYPOTHESIS_PROFILE=soak $(PYTEST) -p no:benchmark --timeout=0 -m 'not vm' tests

VM ?= site
test-vm: .venv/.ready ## the whole desk on a machine that boots (QEMU); VM=tuning: what fails there
	$(PYTEST) -p no:benchmark -n $(words $(VM)) --dist loadfile --timeout 2400 -rP \
		-m vm $(VM:%=tests/vm/test_%.py)

release: .venv/.ready ## archives of all that a host needs, for ansible/playbooks/deploy.yml
	$(BIN)/python -m appliance.cold.host.release --out build/release

INCIDENTS ?= --disconnects 200 --drops 200 --silences 50 --doubts 50
KILLS ?= --kills 20
OUTAGES ?= --minutes 5 --kills 10
campaign: .venv/.ready ## incidents against a running venue, kills, outages of the database
	$(BIN)/python -m tests.live.campaign --market spot $(INCIDENTS)
	$(BIN)/python -m tests.live.campaign --market usdm $(INCIDENTS)
	$(BIN)/python -m tests.live.kill_campaign --market spot $(KILLS)
	$(BIN)/python -m tests.live.kill_campaign --market usdm $(KILLS)
	$(BIN)/python -m tests.sidecar.outage $(OUTAGES)

lint: .venv/.ready ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.ready ## put the source into its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## resolve the pinned versions anew
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet pip-tools==7.6.2
	CUSTOM_COMPILE_COMMAND='make lock' build/lock/bin/$(PIP_COMPILE) --upgrade --extra dev \
		--extra research --output-file $(LOCK) pyproject.toml
	CUSTOM_COMPILE_COMMAND='make lock' build/lock/bin/$(PIP_COMPILE) --upgrade \
		--constraint $(LOCK) --output-file $(RUNTIME_LOCK) pyproject.toml
	CUSTOM_COMPILE_COMMAND='make lock' build/lock/bin/$(PIP_COMPILE) --upgrade --extra grafana \
		--constraint $(LOCK) --output-file $(GRAFANA_LOCK) pyproject.toml

clean: ## remove everything that make made
	rm -rf .venv build dist *.egg-info .benchmarks .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	find appliance sidecar tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# From scratch when the lock changed: what an older lock installed must not linger.
.venv/.locked: $(LOCK)
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); \
		sys.exit(None if ok else "Python 3.11 to 3.13 is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r $(LOCK)
	@touch $@

.venv/.ready: .venv/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
