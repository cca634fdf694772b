"""The command line: one verb per rule; each imports only what it uses."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path

from keyfilters.errors import KeyfiltersError

TABLES_OF_CELLS = ("table1", "table2", "table3", "table4", "table5", "table7", "fig2a", "fig2b", "fig2c", "fig4")
TABLES_OF_ARTIFACTS = ("table6", "fig1", "fig3")


def main() -> None:
    """Run one verb; an error that the user can mend is one line and its exit status."""
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except KeyfiltersError as error:
        print(f"keyfilters {arguments.verb}: {error}", file=sys.stderr)
        sys.exit(error.status)


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
        added.add_argument("--jobs-per-gpu", type=int, default=1, help="trainings that may share a GPU (default: 1)")
    added = verb("cell", _cell, "gather the seeds of one table cell")
    artifacts(added)
    added.add_argument("file", type=Path, help="the cell's file")
    for name in (*TABLES_OF_CELLS, *TABLES_OF_ARTIFACTS):
        added = verb(name, _render, f"render {name}")
        artifacts(added)
        added.add_argument("file", type=Path, help="its CSV file; the others are written beside it")

    def upkeep(name: str, run, description: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=description, description=description)
        added.add_argument("--study", help="another study than the one that config.yaml names")
        added.set_defaults(run=run)
        return added

    added = upkeep("explain", _explain, "what a table or a cell is made of, and why it is fresh or stale")
    added.add_argument("table")
    added.add_argument("target", nargs="?", help="the cell's row; left out: all cells")
    added.add_argument("source", nargs="?", help="the cell's column, in a table that has sources")
    upkeep("schedule", _schedule, "how long the study would take on 1, 8 and 64 GPUs, and what decides it")
    upkeep("verify", _verify, "compare every artifact and table with its recorded digests")
    added = upkeep("prune", _prune, "set aside the artifacts that the study no longer names")
    added.add_argument("room", help="their folder: prepare, train, transfer, ...")
    added = upkeep("status", _status, "how far a study is: what is done, running, waiting and failed")
    added.add_argument("--cost", action="store_true", help="what each job cost instead")
    upkeep("pull", _pull, "fetch the missing artifacts that DVC has on record")
    return top


def _prepare(arguments: argparse.Namespace) -> None:
    from keyfilters.datasets.prepare import prepare

    prepare(arguments.job, arguments.artifacts, arguments.cache, arguments.archive)


def _train(arguments: argparse.Namespace) -> None:
    from keyfilters.training.train import train

    train(arguments.job, arguments.artifacts, arguments.threads, arguments.jobs_per_gpu)


def _transfer(arguments: argparse.Namespace) -> None:
    from keyfilters.transfer import transfer

    transfer(arguments.job, arguments.artifacts, arguments.threads, arguments.jobs_per_gpu)


def _cell(arguments: argparse.Namespace) -> None:
    from keyfilters.results.cell import cell

    cell(arguments.job, arguments.artifacts, arguments.file)


def _render(arguments: argparse.Namespace) -> None:
    render = getattr(import_module(f"keyfilters.results.{arguments.verb}"), arguments.verb)
    given = [arguments.artifacts] if arguments.verb in TABLES_OF_ARTIFACTS else []
    render(arguments.job, *given, arguments.file)


def _load(arguments: argparse.Namespace):
    """The study with its folders of artifacts and results."""
    from keyfilters.study import load

    config = load(Path("config.yaml"), arguments.study)
    return config.current, Path("artifacts") / config.study, Path("results") / config.study


def _explain(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance import explain

    study, root, results = _load(arguments)
    if arguments.target is None:
        explain.show(explain.explain_table(study, arguments.table, results))
    else:
        cell = "--".join(filter(None, (arguments.target, arguments.source)))
        explain.show(explain.explain_cell(study, f"{arguments.table}/{cell}", root, results))


def _schedule(arguments: argparse.Namespace) -> None:
    from keyfilters.schedule import schedule

    study, root, _ = _load(arguments)
    print(schedule(study, root.name, root))


def _verify(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.verify import verify

    _, root, results = _load(arguments)
    damaged = verify(root, results)
    if damaged:
        raise KeyfiltersError("; ".join(damaged))
    print(f"{root} and {results}: as recorded")


def _status(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.explain import show
    from keyfilters.status import Files, cost, status

    study, root, results = _load(arguments)
    if arguments.cost:
        show(cost(study, root))
    else:
        show(status(study, Files(root.name, root, results, Path("logs"))))


def _prune(arguments: argparse.Namespace) -> None:
    from keyfilters import jobs
    from keyfilters.provenance.prune import prune

    study, root, _ = _load(arguments)
    for folder in prune(root, arguments.room, jobs.keyed(study).values()):
        print(f"set aside: {folder}")


def _pull(arguments: argparse.Namespace) -> None:
    from keyfilters import jobs
    from keyfilters.provenance.pull import pull

    study, root, _ = _load(arguments)
    for folder in pull(root, jobs.keyed(study).values()):
        print(f"pulled: {folder}")
