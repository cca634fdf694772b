# What a run does beside its jobs: before it plans, before the first job starts, and after one has failed.

import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from snakemake.jobs import GroupJob, Job

from keyfilters.errors import KeyfiltersError
from keyfilters.planning import slurm
from keyfilters.planning.plan import plan
from keyfilters.planning.remaining import Recorded, Run
from keyfilters.provenance.changed_code import lines as changed_code_lines
from keyfilters.provenance.changed_code import made_with_other_code
from keyfilters.provenance.prune import pruned, restore
from keyfilters.provenance.pull import pull
from keyfilters.running import metadata, preload
from keyfilters.running.logs import failed_for_good
from keyfilters.running.start_rate import lift_default
from keyfilters.store.files import write_text
from snakemake_logger_plugin_keyfilters import Following, LogHandler

# Snakemake itself does not know yet, while it reads the rules, whether it is to run them.
DRY_RUN = any(
    re.fullmatch("--dry-?run|-[a-zA-Z]*n[a-zA-Z]*", word) for word in sys.argv
)
# Its options that print or tidy something and run no job; `--report` does with `--report-after-run`.
RUN_NOTHING = {
    *("--lint", "--list-rules", "--list", "-l", "--list-target-rules", "--lt"),
    *("--dag", "--rulegraph", "--filegraph", "--d3dag", "--print-compilation"),
    *("--summary", "-S", "--detailed-summary", "-D", "--report", "--archive"),
    *("--list-changes", "--lc", "--list-input-changes", "--li"),
    *("--list-params-changes", "--lp", "--list-untracked", "--lu"),
    *("--list-conda-envs", "--containerize", "--generate-unit-tests", "--unlock"),
    *("--cleanup-metadata", "--cm", "--cleanup-shadow"),
    *("--delete-all-output", "--delete-temp-output"),
}
RUNS = "--report-after-run" in sys.argv or not RUN_NOTHING & {
    word.partition("=")[0] for word in sys.argv
}


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
    """What a run does before it plans; whatever else Snakemake is asked for leaves everything as it is."""
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
elif MAIN and RUNS:
    try:
        prepare_run()
    except KeyfiltersError as error:
        raise WorkflowError(str(error))


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


def submissions(dag):
    """What an executor is given to run: jobs, and groups of jobs."""
    return {dag.get_job_group(job) or job for job in dag.needrun_jobs()}


# Before the first job starts: how many may start a second, what they are given to read, how long they may take, and
# what those on this machine share of their start-up; before the first goes to SLURM, and after one has failed there.
onstart:
    lift_default(workflow.scheduler)
    hand_over(workflow.dag)
    follow(workflow.dag)
    if workflow.executor_plugin.name == "local":
        preload.start()
    if workflow.executor_plugin.name == "slurm":
        try:
            slurm.check(submissions(workflow.dag), workflow.executor_settings)
        except KeyfiltersError as error:
            raise WorkflowError(str(error))


onerror:
    if workflow.executor_plugin.name == "slurm":
        for line in slurm.without_log(map(Path, log)):
            print(line, file=sys.stderr)
