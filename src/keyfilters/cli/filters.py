"""Subcommands about the filter store."""

from __future__ import annotations

import argparse
from pathlib import Path

from keyfilters.cli.arguments import add_for_job, add_for_study, current_study


def add(subcommands) -> None:
    """Add them to the command line."""
    filters = subcommands.add_parser("filters", help="the filters of a study's networks").add_subparsers(required=True)
    added = add_for_job(filters, "tables", _tables, "make the tables of the store", noted=True)
    added.add_argument("record", type=Path, help="their record; the tables are written beside it")
    add_for_study(filters, "ls", _ls, "the study's networks, and what of them is in the store")
    added = add_for_study(filters, "info", _info, "one network and its layers")
    added.add_argument("model")
    description = "write 3x3 filters as the published file of CNN Filter DB"
    added = add_for_study(subcommands, "export-hdf5", _export_hdf5, description)
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

    study, root, _ = current_study(arguments)
    print(ls(root, jobs.extracts(study)))


def _info(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.summary import info
    from keyfilters.study import jobs

    study, root, _ = current_study(arguments)
    print(info(root, jobs.extracts(study), arguments.model))


def _export_hdf5(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.hdf5 import export
    from keyfilters.filters.store import Store
    from keyfilters.filters.summary import check_extracted
    from keyfilters.study import jobs

    study, root, _ = current_study(arguments)
    extracts = jobs.extracts(study)
    check_extracted(root, extracts)
    store = Store(root, {model: job.folder for model, job in extracts.items()})
    export(store, arguments.file, arguments.kinds, arguments.square)
