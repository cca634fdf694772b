"""Subcommands about the filter store."""

from __future__ import annotations

import argparse
from pathlib import Path

from keyfilters.cli.arguments import load, of_job, of_study


def add(subcommands) -> None:
    """Add them to the command line."""
    filters = subcommands.add_parser("filters", help="the filters of a study's networks").add_subparsers(required=True)
    added = filters.add_parser("tables", help="make the tables of the store")
    of_job(added, _tables, noted=True)
    added.add_argument("record", type=Path, help="their record; the tables are written beside it")
    of_study(filters.add_parser("ls", help="the study's networks, and what of them is in the store"), _ls)
    added = filters.add_parser("info", help="one network and its layers")
    of_study(added, _info)
    added.add_argument("model")
    description = "write 3x3 filters as the published file of CNN Filter DB"
    added = subcommands.add_parser("export-hdf5", help=description, description=description)
    of_study(added, _export_hdf5)
    added.add_argument("file", type=Path)
    counted = ["regular", "depthwise", "grouped"]
    added.add_argument("--kinds", nargs="+", default=counted, help="of these convolutions (default: all untransposed)")
    added.add_argument("--square", action="store_true", help="as N x 3 x 3 instead of N x 9")


def _tables(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.summary import tables

    tables(arguments.job, arguments.artifacts, arguments.record)


def _ls(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.summary import ls
    from keyfilters.study import jobs

    study, root, _ = load(arguments)
    print(ls(root, jobs.extracts(study)))


def _info(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.summary import info
    from keyfilters.study import jobs

    study, root, _ = load(arguments)
    print(info(root, jobs.extracts(study), arguments.model))


def _export_hdf5(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.hdf5 import export
    from keyfilters.filters.store import Store
    from keyfilters.study import jobs

    study, root, _ = load(arguments)
    store = Store(root, {model: job.folder for model, job in jobs.extracts(study).items()})
    export(store, arguments.file, arguments.kinds, arguments.square)
