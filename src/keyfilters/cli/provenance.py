"""Subcommands about what results are made of: explained, made again, verified, kept, fetched."""

from __future__ import annotations

import argparse
from pathlib import Path

from keyfilters.cli.arguments import add_for_study, current_study
from keyfilters.errors import KeyfiltersError


def add(subcommands) -> None:
    """Add them to the command line."""
    added = add_for_study(
        subcommands, "explain", _explain, "what a table or a cell is made of, and why it is fresh or stale"
    )
    added.add_argument("table")
    _add_cell(added)
    added = add_for_study(
        subcommands, "reproduce", _reproduce, "make results anew in the folder `reproduced`, compare with the recorded"
    )
    added.add_argument("table", nargs="?", help="a table or figure; left out: all of the study")
    _add_cell(added)
    added.add_argument("--cores", default="all", help="as Snakemake's (default: all)")
    add_for_study(subcommands, "verify", _verify, "compare every artifact and table with its recorded digests")
    added = add_for_study(subcommands, "prune", _prune, "move artifacts that the study no longer names out of the way")
    added.add_argument("stage_folder", help="which: prepare, train, transfer, ...")
    add_for_study(subcommands, "manifests", _manifests, "copy the manifests of the study's artifacts beside its tables")
    add_for_study(subcommands, "pull", _pull, "fetch the missing artifacts that DVC has on record")
    added = subcommands.add_parser("code-digests", help="note the digests of the stages' code in code.lock.yaml")
    added.add_argument("--harmless", nargs="+", default=[], help="stages, or all, whose results the change leaves")
    added.add_argument("--why", default="", help="the reason")
    added.set_defaults(run=_code_digests)


def _add_cell(added: argparse.ArgumentParser) -> None:
    added.add_argument("target", nargs="?", help="the cell's row; left out: all cells")
    added.add_argument("source", nargs="?", help="the cell's column, in a table that has sources")


def _explain(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance import explain

    study, root, results = current_study(arguments)
    if arguments.target is None:
        explain.show(explain.explain_table(study, arguments.table, root, results))
    else:
        cell = "--".join(filter(None, (arguments.target, arguments.source)))
        explain.show(explain.explain_cell(study, f"{arguments.table}/{cell}", root, results))


def _reproduce(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance import reproduce
    from keyfilters.provenance.explain import show
    from keyfilters.study.study import load

    config = load(Path("config.yaml"), arguments.study)
    results = Path("results") / config.study
    cell = "--".join(filter(None, (arguments.target, arguments.source))) or None
    named = reproduce.results_of(config.current, arguments.table, cell)
    reproduce.check_recorded(named, results)
    folder = reproduce.make(Path.cwd(), config, named, arguments.cores)
    compared = reproduce.compare(named, results, folder / results)
    for comparison in compared:
        if comparison.of_cells or comparison.worst != reproduce.EQUAL:
            show(reproduce.shown(comparison))
    for comparison in compared:
        print(comparison.line)
    here = reproduce.processors(named, folder / "artifacts" / config.study)
    there = reproduce.processors(named, results)
    if here and there and here != there:
        print(f"trained on {', '.join(here)}; recorded on {', '.join(there)}: {reproduce.OTHER_PROCESSOR}")
    different = [comparison.result for comparison in compared if comparison.worst == reproduce.DIFFERENT]
    if different:
        raise KeyfiltersError(f"not as recorded: {', '.join(different)}; what was made lies in {folder / results}")


def _verify(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.verify import checked, verify
    from keyfilters.study import jobs

    study, root, results = current_study(arguments)
    damaged = verify(root, results)
    if damaged:
        raise KeyfiltersError("; ".join(damaged))
    print(f"{checked(root, results, jobs.keyed(study))}; all as recorded")


def _prune(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.prune import prune
    from keyfilters.study import jobs

    study, root, _ = current_study(arguments)
    for folder in prune(root, arguments.stage_folder, jobs.keyed(study).values()):
        print(f"pruned: {folder}")


def _manifests(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.manifests import copy_manifests
    from keyfilters.study import jobs

    study, root, results = current_study(arguments)
    count = copy_manifests(root, jobs.keyed(study).values(), results)
    print(f"{results / 'manifests'}: {count} manifests")


def _pull(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.pull import pull
    from keyfilters.study import jobs

    study, root, _ = current_study(arguments)
    for folder in pull(root, jobs.keyed(study).values()):
        print(f"pulled: {folder}")


def _code_digests(arguments: argparse.Namespace) -> None:
    from keyfilters.store import code
    from keyfilters.store.identity import code_versions

    if arguments.harmless and not arguments.why:
        raise KeyfiltersError("--harmless needs --why, the reason")
    versions = code_versions()
    harmless = versions if arguments.harmless == ["all"] else arguments.harmless
    code.lock(versions, harmless, arguments.why)
