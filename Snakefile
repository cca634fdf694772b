"""Rebuilds the tables of the study that config.yaml names; see README.md."""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/datasets.smk"
include: "rules/training.smk"
include: "rules/transfer.smk"
include: "rules/results.smk"


rule all:
    default_target: True
    input:
        [f"{RESULTS}/tables/{table}.csv" for table in TABLES],


# The artifacts themselves, which the tables' records outlive: what DVC keeps versions of.
rule sets:
    input:
        manifests("prepare"),


rule models:
    input:
        manifests("train"),


rule transfers:
    input:
        manifests("transfer"),
