# Two commands on a fresh machine: `make train` and `make test`. Everything lives in .venv.
# TORCH_INDEX_URL=https://... takes torch from that index (CPU or a CUDA build); README says more.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPEC ?= cartpole
ARGS ?=

.PHONY: help setup train test acceptance check format clean
.DEFAULT_GOAL := help

help:
	@echo "make setup        make .venv and install everything, once; the others do it by themselves"
	@echo "make train        set up, train CartPole on real services, show the curve and the result"
	@echo "make test         set up, run the tests"
	@echo "make acceptance   the slow proofs: all seeds, crash loops, compose"
	@echo "make check        the gates: format, lint, types, imports, protos, docs"

setup: $(READY)

$(READY): pyproject.toml constraints.txt native/CMakeLists.txt native/hatch_build.py $(wildcard native/src/*)
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=23.1' -c constraints.txt
	@if [ -n "$(TORCH_INDEX_URL)" ]; then \
		$(BIN)/pip install --quiet --index-url "$(TORCH_INDEX_URL)" "$$(grep '^torch==' constraints.txt)"; fi
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[learn,dev]'
	@$(BIN)/python -c "import heronry.native as n; print('native core:', n.BACKEND)"
	@touch $@

train: $(READY)
	@$(BIN)/heronry train $(SPEC) $(ARGS)

test: $(READY)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

acceptance: $(READY)
	@$(BIN)/python -m pytest -q -m acceptance --timeout 1200 $(ARGS)

check: $(READY)
	@$(BIN)/python .ci/gates.py

format: $(READY)
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/buf format -w protos

clean:
	rm -rf $(VENV) .cache build dist runs
