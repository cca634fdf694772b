"""Subcommands that write results as pages, or for archives."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from keyfilters.cli.arguments import add_for_study, current_study


def add(subcommands) -> None:
    """Add them to the command line."""
    add_for_study(
        subcommands, "page", _page, "write what a study found as the page of its results, and the list of all studies"
    )
    added = add_for_study(
        subcommands, "site", _site, "write the results as pages in which every number leads to its ancestry"
    )
    added.add_argument("folder", type=Path, nargs="?", default=Path("results/site"), help="default: results/site")
    added.add_argument("--open", action="store_true", help="open it in the browser")
    added = add_for_study(
        subcommands,
        "export-crate",
        _export_crate,
        "write results and how they came about as a Workflow Run RO-Crate",
    )
    added.add_argument("path", type=Path, help="a new folder, or a file that ends in .zip")
    added.add_argument("table", nargs="?", help="a table or figure; left out: all of the study that are made")


def _page(arguments: argparse.Namespace) -> None:
    from keyfilters.reports.page import NAME, index, page

    study, *_ = _results(arguments.study or current_study(arguments)[1].name)
    page(study)
    index(list(_results(None)))
    print(study.results / NAME)


def _site(arguments: argparse.Namespace) -> None:
    import webbrowser

    from keyfilters.reports.site import site

    index = site(_results(arguments.study), arguments.folder).resolve()
    print(index)
    if arguments.open:
        webbrowser.open(index.as_uri())


def _export_crate(arguments: argparse.Namespace) -> None:
    from keyfilters.reports.crate import export_crate

    study, *_ = _results(arguments.study or current_study(arguments)[1].name)
    left_out = export_crate(study, Path(), arguments.path, arguments.table)
    print(arguments.path)
    if left_out:
        print(f"not in it, as they are not made: {', '.join(left_out)}", file=sys.stderr)


def _results(study: str | None):
    """The results of the study, or of all that `config.yaml` has."""
    from keyfilters.reports.study_results import StudyResults
    from keyfilters.study.study import load

    config = load(Path("config.yaml"), study)
    for name in [study] if study else config.studies:
        yield StudyResults(config.studies[name], name, Path("artifacts") / name, Path("results") / name, Path("logs"))
