# Two commands do all the set-up: `make demo` and `make test`. Needs Python 3.10 to 3.13 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= covid-lesion-seg-demo
PYTEST_ARGS ?=
# The Slicer application, where there is one: its suites are part of the tests then.
SLICER ?= $(shell command -v Slicer 2>/dev/null)
SUITES ?=

SOURCES := COVIDLesionSeg Testing benchmarks .ci
# Most modules of the packages are never loaded: Python compiles those that are, and keeps them.
unexport PYTHONDONTWRITEBYTECODE
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
    -c constraints.txt
# torchvision's wheels load with the torch of the same index only, never with a local build of it
# such as 2.13.0+cpu, which `==` accepts and `===` does not.
TORCH_FOR_TORCHVISION = $(shell sed -n 's/^torch==/torch===/p' constraints.txt)

.PHONY: help demo test test-all suite suite-all test-slicer screenshots translations docs lint format clean \
    system-libraries

help:
	@echo "make demo       segment a generated chest CT; pictures and report in $(OUT)"
	@echo "make test       lint, types and the tests but the slow ones; also in Slicer, where there is one"
	@echo "make test-all   the same with the slow tests"
	@echo "make test-slicer SLICER=/path/to/Slicer   the suites inside the Slicer application"
	@echo "make screenshots SLICER=/path/to/Slicer   the documentation's pictures of the window"
	@echo "make translations   put the panel's new strings into the files for translators"
	@echo "make docs       the documentation site in site/: open site/index.html"
	@echo "make lint       code style and types only"
	@echo "make format     rewrite the code in the project's style"
	@echo "make clean      remove the environment, caches and the demo result at its usual place"

demo: system-libraries $(VENV)/demo.installed
	@$(BIN)/covid-lesion-seg demo --out "$(OUT)"

# Two processes of one thread each on any machine: the suite is built for two cores, and sums do not
# depend on the rest. A file's tests stay in one process, which makes their fixtures once; the files
# come in the order of Testing/conftest.py.
PYTEST = OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 MPLBACKEND=Agg QT_QPA_PLATFORM=offscreen \
    $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

IN_SLICER = $(PYTHON) Testing/in_slicer/run.py --slicer "$(SLICER)"
SLICER_NEEDED = @test -n "$(SLICER)" || { \
    echo "Name the application: make $@ SLICER=/path/to/Slicer" >&2; exit 1; }

ifeq ($(SLICER),)
SUITES_IN_SLICER = @echo "SKIPPED: the suites in the Slicer application (make $@ SLICER=/path/to/Slicer)."
else
SUITES_IN_SLICER = $(IN_SLICER) $(SUITES)
endif

test: system-libraries lint suite
	$(SUITES_IN_SLICER)

test-all: system-libraries lint suite-all
	$(SUITES_IN_SLICER)

suite: $(VENV)/test.installed
	$(PYTEST) -m "not slow" $(PYTEST_ARGS)

suite-all: $(VENV)/test.installed
	$(PYTEST) $(PYTEST_ARGS)

test-slicer:
	$(SLICER_NEEDED)
	$(IN_SLICER) $(SUITES)

# Each in an application of its own: what one leaves in the panel would be in another's pictures.
screenshots:
	$(SLICER_NEEDED)
	for test in tutorial lungs_first retraining; do \
	    $(IN_SLICER) --out Resources/Screenshots -k $$test screenshots || exit 1; done

docs: $(VENV)/docs.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir site
	@echo "The documentation is in site/index.html."

translations: $(VENV)/test.installed
	$(BIN)/python .ci/translations.py

lint: $(VENV)/test.installed
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(VENV)/test.installed
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:
	rm -rf .venv covid-lesion-seg-demo site build dist COVIDLesionSeg/*.egg-info
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

system-libraries:
	@$(PYTHON) .ci/system_libraries.py

# Stamps: installed again only when the project's requirements change.
$(VENV)/demo.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the demo needs into $(VENV) ..."
	@$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/docs.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the documentation needs into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[docs]'
	@touch $@

$(VENV)/test.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[test]' '$(TORCH_FOR_TORCHVISION)'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
	    echo "Python 3.10 to 3.13 is needed: install it, or name it with PYTHON=/path/to/python3." >&2; \
	    exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	    rm -rf $(VENV); \
	    echo "No environment could be made: on Debian or Ubuntu, apt-get install -y python3-venv." >&2; \
	    exit 1; }
