# The two commands of the README are `make demo` and `make test`. Each needs only Python >= 3.11 with venv.

VENV := .venv
BIN := $(VENV)/bin

# 3.11 first: it is the one for which PyPI has a CPU build of the pytorch that the local channel packs.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: demo test bench lint lock docs clean

demo: $(VENV)/.ready
	$(BIN)/python -m demo

test: $(VENV)/.ready
	$(BIN)/python -m pytest $(ARGS)

bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks.diagnose
	$(BIN)/python -m benchmarks.restore $(ARGS)

lint: $(VENV)/.ready-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(VENV)/.ready
	$(BIN)/bootstrap lock --check

clean:
	rm -rf $(VENV) .cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with venv is needed (Debian: apt-get install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.ready: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[maintain,test]'
	@touch $@

$(VENV)/.ready-%: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
