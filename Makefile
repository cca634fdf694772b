# Two commands: `make mini` makes tables of the mini study anew and compares them with the recorded ones, `make test`
# checks the project. Both set up what is missing first: a virtual environment with the pins of requirements.lock.

PYTHON ?= python3
BIN := .venv/bin
CORES ?= all
GPUS ?= $(shell nvidia-smi --list-gpus 2> /dev/null | wc -l)
JOBS_PER_GPU ?= 1
GPU_SLOTS = $(shell echo $$(( $(GPUS) * $(JOBS_PER_GPU) )))

.PHONY: mini mini-all packages real64 page report site test test-fast lint fuzz bench lock code-digests docs

# Tables 7 and 2 from images, in the folder `reproduced`, beside what results/mini records.
mini: .venv/.complete
	@$(BIN)/keyfilters reproduce table7 --study mini --cores $(CORES)
	@$(BIN)/keyfilters reproduce table2 --study mini --cores $(CORES)

# The same of everything that results/mini records.
mini-all: .venv/.complete
	@$(BIN)/keyfilters reproduce --study mini --cores $(CORES)

# The filters of all 344 networks of packages, and what they give: 4.2 GB of downloads, dropped as they are read.
packages: .venv/.complete
	@$(BIN)/snakemake --cores $(CORES) all filters filterdb page --config study=packages

# Tables 7, 2 and 5 of the study real64, with what is known of each training; all GPUs of this machine, else its CPU.
real64: .venv/.complete
	@$(BIN)/snakemake table7 table2 table5 --cores $(CORES) $(if $(filter-out 0,$(GPU_SLOTS)),--resources gpu=$(GPU_SLOTS)) \
		--config study=real64 jobs_per_gpu=$(JOBS_PER_GPU)
	@$(BIN)/keyfilters manifests --study real64
	@$(BIN)/keyfilters status --study real64 --cost
	@du -sh results/real64

STUDY ?= mini

# Files of tests side by side; more processes would take more memory, and few files are long. In their own order, in which
# the long files of a few tests come first; by number of tests, they would be last, with nothing left beside them.
IN_PARALLEL = --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# What a study found: a page beside its tables, of what is there; and Snakemake's report with the graph of rules.
page: .venv/.complete
	@$(BIN)/keyfilters page --study $(STUDY)

report: .venv/.complete
	@$(BIN)/snakemake --report results/$(STUDY)/report.html --config study=$(STUDY)
	@echo "results/$(STUDY)/report.html"

# All results as pages that need no server: a number leads to all that it was made from.
site: .venv/.complete
	@$(BIN)/keyfilters site --open

test: .venv/.complete lint
	$(BIN)/python -m pytest $(IN_PARALLEL)

# The unit tests that are done in two minutes on two cores.
test-fast: .venv/.complete
	$(BIN)/python -m pytest $(IN_PARALLEL) -m 'not slow'

lint: .venv/.complete
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

# Thousands of damaged weight files of each format; of one's own too, with KEYFILTERS_WEIGHT_FILES=folder. And a hundred
# damaged projects.
fuzz: SHELL := bash -o pipefail
fuzz: .venv/.complete
	KEYFILTERS_MUTATIONS=$${KEYFILTERS_MUTATIONS:-2000} $(BIN)/python -m pytest -rP --capture=sys --show-capture=stdout \
		tests/zoo/readers/test_mutated_files.py | grep -E 'refused,|passed|failed|seed '
	KEYFILTERS_EXAMPLES=$${KEYFILTERS_EXAMPLES:-100} $(BIN)/python -m pytest tests/end_to_end/test_convergence.py

bench: .venv/.complete
	$(BIN)/python -m benchmarks

.venv/.complete: requirements.lock requirements-cuda.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "keyfilters is pinned for Python 3.11: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "Python's venv is missing; on Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.lock --constraint requirements-cuda.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	@touch $@

# After a change of the code: note its digests. HARMLESS: stages, or all, that make the same as before; WHY: the reason.
code-digests: .venv/.complete
	@$(BIN)/keyfilters code-digests $(if $(HARMLESS),--harmless $(HARMLESS) --why "$(WHY)")

# The pages of the docs that follow from the code.
docs: .venv/.complete
	$(BIN)/python docs/generate.py

# New pins: newest versions that fit pyproject.toml.
lock:
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet 'setuptools>=77' --editable '.[dev]'
	$(BIN)/pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu//; /^nvidia-/d; /^triton/d' > requirements.lock
