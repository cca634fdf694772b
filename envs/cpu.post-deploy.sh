#!/bin/bash
# The project itself into the new environment; Snakemake runs this in the project's root.
set -euo pipefail
python -m pip install --quiet --no-deps --no-build-isolation --editable .
