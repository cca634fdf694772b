"""Rebuilds the tables and figures of the study that config.yaml names; see README.md."""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "rules/report.rst"


include: "rules/common.smk"
include: "rules/datasets.smk"
include: "rules/training.smk"
include: "rules/transfer.smk"
include: "rules/filters.smk"
include: "rules/analysis.smk"
include: "rules/results.smk"


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


rule all:
    default_target: True
    input:
        [
            record(job.stage, name.removeprefix("filterdb/"))
            for name, job in jobs.everything(CONFIG.current).items()
        ],


# The artifacts themselves, which the tables' records outlive: what DVC keeps versions of.
for stage_folder in sorted({job.stage_folder for job in KEYED.values()}):

    rule:
        name:
            f"all_{stage_folder}"
        input:
            manifests(stage_folder),
