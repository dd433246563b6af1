# make demo   the whole product on real data, at http://127.0.0.1:8501 (PORT=...); Ctrl-C ends it
# make test   the whole test suite        make check   format, lint, types, import rules
# make bench  every measured claim, or one with ONLY=name
# make chaos  the long crash and fault tests; longer with CHAOS_ROUNDS=20, again with CHAOS_SEED=

PORT = 8501
# Plain assignments: an exported MONITOR_HOME or database of a real installation must not become the demo's.
MONITOR_HOME = $(CURDIR)/.demo
ONLY =
CHAOS_ROUNDS = 3
PYTHON = $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(p))))

.PHONY: help demo test check bench chaos clean

help:
	@sed '/^$$/q;s/^# //' Makefile

demo: .venv/.installed
	@env -u MONITOR_DATABASE_URL MONITOR_HOME="$(MONITOR_HOME)" .venv/bin/monitor demo up --port $(PORT)

# Two processes with one thread each: more threads than cores make the numeric libraries wait for each other.
test: .venv/.installed-dev
	@env OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -n 2 $(TESTS)

check: .venv/.installed-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: .venv/.installed-dev
	@env OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks $(ONLY)

# Kills and faults of every kind: 200 kills a round and job set, each seed printed, so that a find can be repeated.
chaos: .venv/.installed-dev
	@env OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -m chaos tests/chaos
	@env OMP_NUM_THREADS=1 CHAOS_ROUNDS=$(CHAOS_ROUNDS) .venv/bin/python -m benchmarks crash-safety

clean:
	rm -rf .venv .demo

.venv/bin/python:
	@$(if $(PYTHON),,echo "monitor needs Python 3.11 or newer; found: $$(python3 --version 2>&1)"; exit 1)
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "this Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing into .venv (about 1.5 GB; a few minutes the first time) ..."
	@.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.installed-dev: .venv/.installed
	@echo "Installing the developers' extras into .venv ..."
	@.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
