"""Rebuilds the tables and figures of the study that config.yaml names; see README.md."""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "rules/report.rst"


include: "rules/common.smk"
include: "rules/run.smk"
include: "rules/datasets.smk"
include: "rules/training.smk"
include: "rules/transfer.smk"
include: "rules/filters.smk"
include: "rules/analysis.smk"
include: "rules/results.smk"


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
