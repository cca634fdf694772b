# Helpers of the rules: the study as jobs, and how their files are found and judged.

import gc
import os
import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from snakemake.jobs import GroupJob, Job

from keyfilters.errors import KeyfiltersError
from keyfilters.planning import resources, slurm
from keyfilters.planning.plan import plan
from keyfilters.planning.remaining import Recorded, Run
from keyfilters.provenance.changed_code import lines as changed_code_lines
from keyfilters.provenance.changed_code import made_with_other_code
from keyfilters.provenance.prune import pruned, restore
from keyfilters.provenance.pull import pull
from keyfilters.running import metadata, preload
from keyfilters.running.attempts import is_further_attempt
from keyfilters.running.logs import failed_for_good
from keyfilters.running.start_rate import lift_default
from keyfilters.store import records
from keyfilters.store.files import write_text
from keyfilters.study import jobs, paths
from keyfilters.study.study import check
from keyfilters.study.tables import OUTPUTS
from snakemake_logger_plugin_keyfilters import Following, LogHandler

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
# Snakemake itself does not know yet, while it reads the rules, whether it is to run them, and in which attempt.
DRY_RUN = any(
    re.fullmatch("--dry-?run|-[a-zA-Z]*n[a-zA-Z]*", word) for word in sys.argv
)
AGAIN = not MAIN and is_further_attempt(sys.argv)


def retries(job):
    """How often a failed job is tried again: as the profile says, but not where somebody has to mend something first."""
    return (
        0 if any(map(failed_for_good, map(Path, job.log))) else job.rule.restart_times
    )


def retries_of_group(group):
    """A group stops at the first of its jobs that fails, however often it is tried."""
    return min(job.restart_times for job in group.jobs)


# Snakemake would ask its setting `retries` alone.
Job.restart_times = property(retries)
GroupJob.restart_times = property(retries_of_group)


metadata.ignore_damaged()


def prepare_run():
    """What a run does before it plans; a dry run leaves everything as it is."""
    # A killed Snakemake leaves its locks behind. The system releases this one with the process, so whoever gets it
    # knows that no other Snakemake runs here and that locks which are still there are left over.
    global RUNNING
    RUNNING = FileLock(".snakemake/running")
    with suppress(Timeout):
        RUNNING.acquire(blocking=False)
        for left in Path(".snakemake/locks").glob("*.lock"):
            left.unlink()
    restore(Path(ARTIFACTS), KEYED.values())
    if CONFIG.pull:
        pull(Path(ARTIFACTS), KEYED.values())
    remove_unnamed_cells()


def remove_unnamed_cells():
    """Cells that their table no longer has: what DVC records of a table follows from the study alone."""
    for table in TABLES:
        for file in Path(RESULTS, "cells", table).glob("*.json"):
            if f"{table}/{file.stem}" not in CELLS:
                file.unlink()


def report_changed_code():
    """Say what was made with other code than the present, or end with it, as `changed_code` says."""
    outdated = made_with_other_code(CONFIG.current, Path(ARTIFACTS), Path(RESULTS))
    if outdated and CONFIG.changed_code == "error":
        raise WorkflowError("\n".join(changed_code_lines(outdated)))
    for line in changed_code_lines(outdated):
        print(line, file=sys.stderr)


if MAIN:
    report_changed_code()
if MAIN and DRY_RUN:
    print(plan(CONFIG.current, CONFIG.study, Path(ARTIFACTS)), file=sys.stderr)
    for folder in pruned(Path(ARTIFACTS), KEYED.values()):
        print(
            f"{folder} was pruned; a run restores it, though it is planned here",
            file=sys.stderr,
        )
elif MAIN:
    try:
        prepare_run()
    except KeyfiltersError as error:
        raise WorkflowError(str(error))


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


@cache
def described():
    """Every job of the study by the file that hands it its description."""
    every = [
        *KEYED.values(),
        *CELLS.values(),
        *FILTERDB.values(),
        FILTERS,
        *TABLES.values(),
    ]
    return {description(job): job for job in every}


def hand_over(dag):
    """Write the descriptions of the jobs that this run is about to start, wherever they will run; and remove
    their logs of an earlier run, which would decide whether they are tried again.
    """
    every = described()
    for started in dag.needrun_jobs():
        file = started.params.get("job")
        if file:
            write_text(Path(file), every[file].as_json)
        for log in started.log:
            Path(log).unlink(missing_ok=True)


def follow(dag):
    """Tell who draws the progress of this run what its jobs are, so that it can say how long they still take."""
    every = described()
    started = {
        job.jobid: job for job in dag.needrun_jobs() if job.params.get("job") in every
    }
    needs = {
        number: [needed.jobid for needed in dag.dependencies.get(job, ())]
        for number, job in started.items()
    }
    slots = []
    if workflow.local_exec:
        slots.append((started.keys(), workflow.cores))
        if GPU:
            training = {
                number for number, job in started.items() if job.resources.get("gpu")
            }
            slots.append((training, workflow.global_resources["gpu"].value))
    jobs_of_run = {number: every[job.params.job] for number, job in started.items()}
    for handler in workflow.logger_manager.get_log_handlers():
        if isinstance(handler, LogHandler):
            recorded = Recorded(every.values(), Path(ARTIFACTS), Path(RESULTS))
            run = Run(jobs_of_run, needs, recorded)
            handler.follow(Following(CONFIG.study, Path(RESULTS), run, slots))


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


def submissions(dag):
    """What an executor is given to run: jobs, and groups of jobs."""
    return {dag.get_job_group(job) or job for job in dag.needrun_jobs()}


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
