"""Subcommands that take any network: of a study's zoo, or a weight file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from keyfilters.cli.arguments import add_for_study, current_study
from keyfilters.errors import KeyfiltersError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy import ndarray
    from pandas import DataFrame
    from rich.console import Console

NETWORK = "of the study's zoo, or a weight file, or a folder or an archive with some, or ARCHIVE/PATH"

ZOO = "packages"  # the study whose networks others are compared with, unless another is named


def add(subcommands) -> None:
    """Add them to the command line."""
    added = _add(
        subcommands, "quality", _quality, "sparsity, entropy and randomness of a model's layers, with a verdict"
    )
    added.add_argument("model", help=f"a network {NETWORK}")
    added = _add(subcommands, "drift", _drift, "the drift between the filters of two networks, in the study's bases")
    added.add_argument("networks", nargs=2, metavar="NETWORK", help=NETWORK)
    added = _add(subcommands, "compare-zoo", _compare_zoo, "where networks lie among those of a study")
    added.add_argument("networks", nargs="+", metavar="NETWORK", help=NETWORK)
    added.add_argument("--nearest", type=int, default=10, metavar="N", help="how many of the nearest (default: 10)")
    added.set_defaults(study=ZOO)


def _add(subcommands, name: str, run, description: str) -> argparse.ArgumentParser:
    added = add_for_study(subcommands, name, run, description)
    added.add_argument("--json", action="store_true", help="print JSON")
    added.add_argument("--html", type=Path, metavar="FILE", help="write a page with tables and figure")
    added.add_argument("--png", type=Path, metavar="FILE", help="draw what is printed")
    return added


def _quality(arguments: argparse.Namespace) -> None:
    from functools import partial

    from keyfilters.analysis.quality import as_json, quality
    from keyfilters.filters.named import named, of_each
    from keyfilters.study import jobs

    study, root, _ = current_study(arguments)

    def measure(opened) -> DataFrame:
        return quality(opened(), study.analysis)

    with named(arguments.model, root, jobs.extracts(study)) as networks:
        qualities = of_each({name: partial(measure, opened) for name, opened in networks.items()})
    if arguments.json:
        _print_json([as_json(name, layers, study.analysis) for name, layers in qualities.items()])

    def show(console: Console) -> None:
        from keyfilters.results.terminal import show_quality

        for name, layers in qualities.items():
            show_quality(name, layers, console)

    def draw() -> Figure:
        from keyfilters.results.drawing.networks import quality_figure

        return quality_figure(qualities)

    _present(arguments, f"Quality of {arguments.model}", show, draw)


def _drift(arguments: argparse.Namespace) -> None:
    from contextlib import ExitStack
    from dataclasses import asdict
    from functools import partial
    from itertools import product

    from keyfilters.analysis.pairs import drift, histograms
    from keyfilters.filters.named import named, of_each
    from keyfilters.study import jobs

    study, root, results = current_study(arguments)

    def count(opened) -> dict[str, ndarray]:
        return histograms(opened(), bins, analysis)

    with ExitStack() as stack:
        sides = [stack.enter_context(named(name, root, jobs.extracts(study))) for name in arguments.networks]
        bins, analysis = _bases(study, root, results)
        calls = [{name: partial(count, opened) for name, opened in networks.items()} for networks in sides]
        one, other = map(of_each, calls)
    pairs = product(one, other)
    drifts = of_each({(a, b): partial(drift, one[a], other[b], bins, analysis) for a, b in pairs})
    if arguments.json:
        settings = analysis.model_dump(mode="json")
        items = drifts.items()
        _print_json([{"networks": n, "settings": settings, "sets": [asdict(p) for p in pairs]} for n, pairs in items])

    def show(console: Console) -> None:
        from keyfilters.results.terminal import show_drift

        for names, pairs in drifts.items():
            show_drift(names, pairs, console)

    def draw() -> Figure:
        from keyfilters.results.drawing.networks import drift_figure

        return drift_figure(drifts)

    _present(arguments, f"Drift between {' and '.join(arguments.networks)}", show, draw)


def _compare_zoo(arguments: argparse.Namespace) -> None:
    from contextlib import ExitStack
    from functools import partial

    from keyfilters.analysis.zoo_comparison import as_json, compare, load
    from keyfilters.filters.named import named, of_each
    from keyfilters.study import jobs

    if arguments.nearest < 1:
        raise KeyfiltersError(f"--nearest {arguments.nearest}: give 1 or more")
    study, root, results = current_study(arguments)
    zoo = load(results)

    def compared(opened):
        return compare(opened(), zoo, arguments.nearest)

    with ExitStack() as stack:
        networks = {}
        for name in arguments.networks:
            networks |= stack.enter_context(named(name, root, jobs.extracts(study)))
        positions = of_each({name: partial(compared, opened) for name, opened in networks.items()})
    if arguments.json:
        _print_json([as_json(name, position, zoo) for name, position in positions.items()])

    def show(console: Console) -> None:
        from keyfilters.results.terminal_zoo import show_position

        for name, position in positions.items():
            show_position(name, position, zoo, console)

    def draw() -> Figure:
        from keyfilters.results.drawing.zoo import comparison_figure

        return comparison_figure(positions, zoo)

    _present(arguments, f"{', '.join(arguments.networks)} among the networks of {zoo.study}", show, draw)


def _bases(study, root: Path, results: Path):
    """The bases of a study by set of filters, and how it analyses them: that of its `filterdb_zoo` if it has no
    artifacts here. Raises KeyfiltersError if there are neither, or the study has no networks."""
    from keyfilters.analysis import zoo_comparison
    from keyfilters.analysis.stages import basis
    from keyfilters.store import artifacts
    from keyfilters.study import jobs

    if jobs.extracts(study) and (root / jobs.basis(study).folder / artifacts.MANIFEST).exists():
        return basis.read(artifacts.read(root, jobs.basis(study).folder)), study.analysis
    if (results / zoo_comparison.RECORD).exists():
        zoo = zoo_comparison.load(results)
        return {zoo.set: zoo.bins}, zoo.analysis
    how = f"or take another's, `--study {ZOO}`"
    if not jobs.extracts(study):
        raise KeyfiltersError(f"the study has no networks, so no basis; name some in its section `zoo`, {how}")
    raise KeyfiltersError(f"the study's basis is not made yet; run `snakemake --cores all all_basis`, {how}")


def _print_json(objects: list) -> None:
    """One object, or a list of several."""
    print(json.dumps(objects[0] if len(objects) == 1 else objects, indent=1))


def _present(arguments: argparse.Namespace, title: str, show, draw) -> None:
    """Print what `show` prints unless JSON was, and write the figure and the page that are asked for."""
    from rich.console import Console

    if not arguments.json:
        show(Console())
    if arguments.png:
        from keyfilters.results.drawing.files import save

        save(draw, arguments.png)
    if arguments.html:
        from keyfilters.results.page import write_page

        write_page(arguments.html, title, show, draw)
