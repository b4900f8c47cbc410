# The two commands of the README are `make demo` and `make test`. Each needs only Python >= 3.11 with venv.

VENV := .venv
BIN := $(VENV)/bin

# 3.11 first: it is the one for which PyPI has a CPU build of the pytorch that the local channel packs.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: demo test unit test-rest test-all test-colabtools bench lint lock docs soak dist template-in-image refresh clean

demo: $(VENV)/.ready
	$(BIN)/python -m demo

# Several at a time, one more than there are cores, since many wait; a file's tests together, since they share what its
# fixtures make, but where single tests are dear a worker that has none left takes some of another's. The browser is there
# before they begin: several show this machine's files in roots of their own, below which nothing should be installed.
WORKERS ?= $(shell expr $$(nproc) + 1)
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadscope --no-loadscope-reorder

# Everything once: all unit tests, and of every dearer kind one case.
test: $(VENV)/.ready
	$(BIN)/python -m tests.support.colab.browser
	$(PYTEST) -m "not exhaustive" $(ARGS)

# The fast loop: no network, no environment.
unit: $(VENV)/.ready
	$(PYTEST) tests/unit $(ARGS)

# What `make test` leaves out.
test-rest: $(VENV)/.ready
	$(BIN)/python -m tests.support.colab.browser
	$(PYTEST) --dist worksteal -m exhaustive $(ARGS)

test-all: test test-rest

# The Colab tests with the real google.colab in the place of the imitation, from a checkout of googlecolab/colabtools.
COLABTOOLS ?= build/colabtools
test-colabtools: $(VENV)/.ready
	BOOTSTRAP_COLABTOOLS=$(COLABTOOLS) $(PYTEST) tests/colab $(ARGS)

# What docs/security.md promises, tried for half an hour at most; writes the table of that page.
soak: $(VENV)/.ready
	$(BIN)/python -m tests.soak.trust --write $(ARGS)

bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks.check
	$(BIN)/python -m benchmarks.diagnose
	$(BIN)/python -m benchmarks.cell
	$(BIN)/python -m benchmarks.restore $(ARGS)

lint: $(VENV)/.ready-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.ready-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@! grep -rlE '(src|link[^>]* href)="https?://' --include='*.html' build/site || { echo "pages above fetch from elsewhere" >&2; exit 1; }
	@echo build/site/index.html

dist: $(VENV)/.ready-release
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*

# template.ipynb, from its one line to its last cell, in an image of Colab's runtime (needs docker).
# pip finds the distribution as a user's does, only in dist/ instead of on PyPI.
IMAGE ?= us-docker.pkg.dev/colab-images/public/cpu-runtime
template-in-image: dist
	docker run --rm --volume "$(CURDIR):/project" --workdir /content --env PIP_FIND_LINKS=/project/dist --entrypoint bash $(IMAGE) \
		-c 'python3 -m pip install -q nbclient && python3 /project/tests/support/run_notebook.py /project/template.ipynb /project/build/template.ipynb'

# The locks solved anew, and build/refresh.md: what changed and what the check says, for a pull request.
refresh: $(VENV)/.ready
	mkdir -p build
	$(BIN)/bootstrap lock --quiet --changelog CHANGELOG.md
	for lock in conda-lock.yml conda-lock-cuda.yml; do $(BIN)/bootstrap diff HEAD --lock $$lock --format markdown; done > build/refresh.md
	{ echo; echo '```'; $(BIN)/bootstrap lock --check; echo '```'; } >> build/refresh.md

lock: $(VENV)/.ready
	$(BIN)/bootstrap lock --check

clean:
	rm -rf $(VENV) .cache build dist

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with venv is needed (Debian: apt-get install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.ready: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[maintain,test,notebook]'
	@touch $@

$(VENV)/.ready-%: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
