"""The command line: one verb per rule; each imports only what it uses."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from keyfilters.errors import KeyfiltersError


def main() -> None:
    """Run one verb; an error that the user can mend is one line and exit status 1."""
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except KeyfiltersError as error:
        sys.exit(f"keyfilters {arguments.verb}: {error}")


def parser() -> argparse.ArgumentParser:
    """All verbs with their arguments."""
    top = argparse.ArgumentParser(prog="keyfilters", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, run, description: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=description, description=description)
        added.add_argument("job", type=json.loads, help="the job's description, JSON")
        added.set_defaults(run=run)
        return added

    def artifacts(added: argparse.ArgumentParser) -> None:
        added.add_argument("artifacts", type=Path, help="the study's folder of artifacts")

    added = verb("prepare", _prepare, "fetch and prepare one set of pictures")
    artifacts(added)
    added.add_argument("--cache", type=Path, help="folder of fetched packages (default: the user's cache)")
    added.add_argument("--archive", type=Path, help="the tar of a set with `source: archive`")
    for name, run, description in (
        ("train", _train, "train a base model"),
        ("transfer", _transfer, "train a network with another one's filters frozen in it"),
    ):
        added = verb(name, run, description)
        artifacts(added)
        added.add_argument("--threads", type=int, default=1, help="threads of the CPU")
    added = verb("cell", _cell, "gather the seeds of one table cell")
    artifacts(added)
    added.add_argument("file", type=Path, help="the cell's file")
    for name, run in (("table7", _table7), ("table2", _table2)):
        added = verb(name, run, f"render {name} from its cells")
        added.add_argument("file", type=Path, help="the table's CSV file; the others are written beside it")
    return top


def _prepare(arguments: argparse.Namespace) -> None:
    from keyfilters.datasets.prepare import prepare

    prepare(arguments.job, arguments.artifacts, arguments.cache, arguments.archive)


def _train(arguments: argparse.Namespace) -> None:
    from keyfilters.training.train import train

    train(arguments.job, arguments.artifacts, arguments.threads)


def _transfer(arguments: argparse.Namespace) -> None:
    from keyfilters.transfer import transfer

    transfer(arguments.job, arguments.artifacts, arguments.threads)


def _cell(arguments: argparse.Namespace) -> None:
    from keyfilters.results.cell import cell

    cell(arguments.job, arguments.artifacts, arguments.file)


def _table7(arguments: argparse.Namespace) -> None:
    from keyfilters.results.table7 import table7

    table7(arguments.job, arguments.file)


def _table2(arguments: argparse.Namespace) -> None:
    from keyfilters.results.table2 import table2

    table2(arguments.job, arguments.file)
