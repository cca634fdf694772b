"""The jobs of a study: sets, base models, transfers, tables, and the filter store with its analysis.

What many jobs share (`@cache`) is made once for a study, so that planning thousands of cells takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from keyfilters import sources
from keyfilters.config.analysis import FILTERS_OF, bases_of, filters_of, tables_of
from keyfilters.config.base import MODEL
from keyfilters.config.transfer import PATTERN_SOURCE, STACKINGS, Transfer
from keyfilters.errors import KeyfiltersError
from keyfilters.models.registry import architecture, layer_count
from keyfilters.store.identity import VERSIONS, Job, key_of, walk
from keyfilters.zoo.table import PRECISIONS, models

if TYPE_CHECKING:
    from keyfilters.study.study import Study

KEYED = ("prepare", "train", "transfer", "extract", "moments", "basis", "histograms", "layers")


@cache
def prepare(study: Study, dataset: str, image_size: int | None = None) -> Job:
    """The prepared set `dataset`: decoded, without duplicates, split, at `image_size` or the study's."""
    # An archive's digest says what it is; the path only says where it lies, so it is no part of the key.
    config = study.sets[dataset]
    settings = config.model_dump(mode="json", exclude={"path", "set", "classes", "title", "paper", "validation"})
    settings |= config.model_dump(mode="json", include={"classes", "title"}, exclude_none=True)
    settings |= {"validation": True} if config.validation else {}
    name = config.set or dataset
    settings |= sources.source(config.source).identity(name)
    return Job("prepare", dataset, {"set": name, "image_size": image_size or study.image_size, **settings})


@cache
def train(study: Study, dataset: str, seed: int, model: str = MODEL) -> Job:
    """A base model: `model` of the study trained on `dataset` from random weights, or pretrained there whatever the
    seed."""
    name, part = _network(dataset, model), "" if model == MODEL else "other"
    inputs = {"dataset": prepare(study, dataset)}
    pretrained = study.model_of(model).pretrained.get(dataset)
    if pretrained:
        settings = {"model": study.model_of(model).key_fields, "pretrained": pretrained.key_fields}
        return Job("train", f"{name}-pretrained", settings, inputs, part)
    return Job("train", f"{name}-seed{seed}", _training_settings(study, dataset, seed, model), inputs, part)


@cache
def transfer(
    study: Study,
    target: str,
    source: str | None,
    seed: int,
    model: str = MODEL,
    source_model: str = MODEL,
    **experiment: Any,
) -> Job:
    """Filters of `source_model`, trained on the set `source`, in `model`, trained on `target`.

    `experiment`: fields of `Transfer`, over the study's own choices; a control may have no source. The filters are
    those of the next seed's base model, so that everything that is trained on the target under one seed can start from
    the same weights, and a selffer still does not start from those that its filters were trained with.
    """
    layers = layer_count(study.model_of(model).architecture, study.model_of(model).arguments)
    if experiment.get("first") == layers:  # the same training as that of all layers
        experiment = experiment | {"first": None}
    if source and source_model == model and experiment.get("arrangement") in STACKINGS:  # so are they in place
        experiment = experiment | {"arrangement": "in place"}
    choices = Transfer(**study.transfer.model_dump() | experiment)
    if choices.batch_norm == "copied":
        _check_batch_norm(study.model_of(model).architecture, choices)
    settings = _training_settings(study, target, seed, model) | {"transfer": choices.key_fields}
    parts = [choices.layers]
    if choices.first:
        parts.append(f"first{choices.first}")
    if choices.arrangement != "in place":
        parts.append(choices.arrangement.replace(" ", "-"))
    if not choices.frozen:
        parts.append("finetuned")
    origin = [_network(source, source_model)] if source else []
    origin += [choices.control] if choices.control else []
    inputs = {"dataset": prepare(study, target)}
    if source:
        inputs["source"] = train(study, source, seed + 1, source_model)
    if choices.control == "universal":
        others = pattern_sets(study, source)
        inputs |= {f"{PATTERN_SOURCE}{dataset}": train(study, dataset, seed + 1, source_model) for dataset in others}
    name = f"{_network(target, model)}--{'-'.join(origin)}"
    part = "other" if (model, source_model) != (MODEL, MODEL) else "pointwise" if choices.layers == "pointwise" else ""
    return Job("transfer", "-".join([name, *parts, f"seed{seed}"]), settings, inputs, part)


def pattern_sets(study: Study, source: str) -> tuple[str, ...]:
    """The whole sets that share no images with `source`, in whose base models the control `universal` finds its
    patterns. Raises KeyfiltersError if there are none."""
    archives = {name: dataset.set or name for name, dataset in study.datasets.items()}
    others = tuple(name for name in study.whole_sets if archives[name] != archives[source])
    if not others:
        raise KeyfiltersError(
            f"control universal: all sets of the study are of {archives[source]}, as the source {source} is; "
            "add another set, or leave the control out"
        )
    return others


def _check_batch_norm(name: str, choices: Transfer) -> None:
    """Raises KeyfiltersError where it cannot be copied with the filters."""
    if "batch_norm" not in architecture(name).choices:
        raise KeyfiltersError(
            f"batch_norm: copied, but the layers of {name} have no BatchNorm; set it only in figures of networks that "
            "have, as in fig2b"
        )
    if choices.control:
        raise KeyfiltersError(
            f"batch_norm: copied, but the filters of the control {choices.control} have no statistics of their own; "
            "set batch_norm: trained, or leave the control out"
        )


@cache
def weights_of(study: Study) -> dict[str, str]:
    """Path or URL of the checkpoint of each pretrained network that has one, by its artifact's folder."""
    return {
        train(study, dataset, study.seeds[0], name).folder: str(pretrained.path or pretrained.url)
        for name in (MODEL, *study.models)
        for dataset, pretrained in study.model_of(name).pretrained.items()
        if pretrained.sha256
    }


def _network(dataset: str, model: str) -> str:
    """A readable name: the set, and the model if it is not the study's own."""
    return dataset if model == MODEL else f"{dataset}-{model}"


@cache
def _training_settings(study: Study, dataset: str, seed: int, model: str) -> dict[str, Any]:
    return {
        "model": study.model_of(model).key_fields,
        "training": study.recipe(dataset, model).key_fields,
        "seed": seed,
    }


@cache
def lowres(study: Study) -> dict[str, Job]:
    """Every training of a low-resolution network by its name, `<set>-<network>-seed<seed>`.

    The one that shows how filters form has the epochs after which its weights are kept in `settings["checkpoints"]`.
    """
    trainings = [
        lowres_train(study, dataset, network, seed)
        for dataset, network in study.lowres.pairs
        for seed in study.lowres.seeds_of(dataset, network)
    ]
    return {job.name: job for job in trainings}


@cache
def lowres_train(study: Study, dataset: str, network: str, seed: int) -> Job:
    """A low-resolution network of the study, trained on `dataset` from random weights."""
    section = study.lowres
    checkpoints = section.checkpoints(dataset, network, seed)
    settings = {
        "model": section.model_of(dataset, network).key_fields,
        "training": section.recipe(dataset, network).key_fields,
        "seed": seed,
        **({"checkpoints": list(checkpoints)} if checkpoints else {}),
    }
    inputs = {"dataset": prepare(study, dataset, section.image_size)}
    return Job("train", f"{_network(dataset, network)}-seed{seed}", settings, inputs, "lowres")


@cache
def tables(study: Study) -> dict[str, Job]:
    """Every table and figure of the study by name; its inputs are cells, `<table>/<cell>`, or artifacts."""
    return {
        table: Job(table, table, experiment.settings(study), experiment.full_inputs(study))
        for table, experiment in study.tables.enabled.items()
    }


@cache
def extracts(study: Study) -> dict[str, Job]:
    """The extraction of every network of the study's zoo, by model id."""
    extractions = {}
    for model in study.zoo.from_packages:
        settings = model.weights | {"reader": VERSIONS["readers"][model.format]}
        extractions[model.id] = Job("extract", model.id, settings)
    for name in study.zoo.trained:
        dataset, _, model = name.partition("-")
        for seed in study.seeds:
            trained = train(study, dataset, seed, model or MODEL)
            extractions[trained.name] = _extract_trained(trained.name, trained, study.image_size)
    for name, trained in lowres(study).items() if study.zoo.lowres else ():
        model = f"lowres-{name}"
        extractions[model] = _extract_trained(model, trained, study.lowres.image_size)
    for name in study.zoo.pretrained:
        library, _, weights = name.partition("/")
        model = f"{library}-{weights}"
        settings = {"source": "pretrained", "library": library, "name": weights, **_exported()}
        extractions[model] = Job("extract", model, settings)
    return extractions


def _exported() -> dict[str, Any]:
    return {"format": "onnx", "reader": VERSIONS["readers"]["onnx"]}


def _extract_trained(name: str, trained: Job, image_size: int, part: str = "", **epoch: int) -> Job:
    """The extraction of a network that is trained here, or of its weights after an `epoch` that it keeps."""
    settings = {"source": "trained", "image_size": image_size, **epoch, **_exported()}
    return Job("extract", name, settings, {"network": trained, "dataset": trained.inputs["dataset"]}, part)


@cache
def filters(study: Study) -> Job:
    """The tables of the study's store; its inputs are the extractions by model id."""
    entries = {model.id: model.entry for model in study.zoo.from_packages}
    settings = {"allow_refused": study.zoo.allow_refused, "entries": key_of(entries)}
    return Job("filters", "filters", settings, extracts(study))


@cache
def moments(study: Study) -> dict[str, Job]:
    """Moments and quality of the layers of every network, by model id; one pass over its filters."""
    settings = filters_of(study.analysis) | study.analysis.model_dump(mode="json", include={"sparse", "sparse_share"})
    return {name: Job("moments", name, settings, {"filters": job}) for name, job in extracts(study).items()}


@cache
def basis(study: Study) -> Job:
    """The basis of each set of filters and the bins of its histograms, from the networks that define them."""
    measured = moments(study)
    inputs = {name: measured[name] for name in study.analysis.basis_of or measured}
    observed = study.analysis.range == "observed"
    settings = bases_of(study.analysis, stored(study))
    return Job("basis", "basis", settings, with_filters(inputs) if observed else inputs)


def with_filters(measured: Mapping[str, Job]) -> dict[str, Job]:
    """Jobs of `moments` by model id, and by `filters/<model id>` those of `extract` whose filters they measured."""
    return {**measured, **{f"{FILTERS_OF}{name}": job.inputs["filters"] for name, job in measured.items()}}


@cache
def histograms(study: Study) -> dict[str, Job]:
    """Histograms of the layers of every network in the study's bases, by model id; one pass over its filters."""
    return {name: _histograms(study, job) for name, job in extracts(study).items()}


def _histograms(study: Study, extract: Job) -> Job:
    inputs = {"filters": extract, "basis": basis(study)}
    return Job("histograms", extract.name, filters_of(study.analysis), inputs, extract.part)


@cache
def formation(study: Study) -> dict[int, Job]:
    """Histograms of the low-resolution network that shows how filters form, by the epochs whose weights it keeps.

    In the study's bases, which these weights do not define: they are not in the store. None without such a network.
    """
    trainings = [job for job in lowres(study).values() if "checkpoints" in job.settings]
    if not trainings or not extracts(study):
        return {}
    trained, size = trainings[0], study.lowres.image_size
    by_epoch = {}
    for epoch in trained.settings["checkpoints"]:
        name = f"lowres-{trained.name}-epoch{epoch:03}"
        by_epoch[epoch] = _histograms(study, _extract_trained(name, trained, size, "formation", epoch=epoch))
    return by_epoch


@cache
def stored(study: Study) -> dict[str, str]:
    """The precision of the weights of each network of the zoo that is not kept in float32."""
    known = models()
    precisions = {name: known[name].precision for name in extracts(study) if name in known}
    return {name: precision for name, precision in precisions.items() if precision != PRECISIONS[0]}


@cache
def layers(study: Study) -> Job:
    """The moments and the quality of all networks as one table of layers, and what is known of the networks."""
    entries = {"entries": filters(study).settings["entries"]}
    return Job("layers", "layers", entries, with_filters(moments(study)))


def filterdb(study: Study) -> dict[str, Job]:
    """The tables of drift and quality of each set of filters, by its name."""
    if not extracts(study):
        return {}
    inputs = {"layers": layers(study), "basis": basis(study), **histograms(study)}
    return {
        name: Job("filterdb", name, tables_of(study.analysis, name, stored(study)), inputs)
        for name in study.analysis.sets
    }


def named_inputs(job: Job) -> list[tuple[str, Job]]:
    """The inputs of a job with the names that `paths` has for them: of a cell or a set of filters, or an artifact's
    folder."""
    names = {"cell": lambda role, input_job: role, "filterdb": lambda _, input_job: input_job.name}
    return [
        (names[input_job.stage](role, input_job) if input_job.stage in names else input_job.folder, input_job)
        for role, input_job in job.inputs.items()
    ]


def named(targets: Iterable[tuple[str, Job]]) -> dict[str, Job]:
    """The targets and all that they rest on, by the names of `named_inputs`."""
    by_name: dict[str, Job] = {}
    waiting = list(targets)
    while waiting:
        name, job = waiting.pop()
        if name not in by_name:
            by_name[name] = job
            waiting += named_inputs(job)
    return by_name


def cells(study: Study) -> dict[str, Job]:
    """Every cell of every table of the study, by its readable name `<table>/<cell>`."""
    return {name: job for table in tables(study).values() for name, job in table.inputs.items() if job.stage == "cell"}


def everything(study: Study) -> dict[str, Job]:
    """All results of a study: its tables and figures, and where some of these show filters, the tables of the filter
    store, `filters`, and of every set of filters, `filterdb/<set>`."""
    results = tables(study)
    if any(job.stage == "filterdb" for table in tables(study).values() for job in table.inputs.values()):
        sets = {f"filterdb/{name}": job for name, job in filterdb(study).items()}
        return {**results, **sets, "filters": filters(study)}
    return results


def keyed(study: Study) -> dict[str, Job]:
    """Every artifact of the study by its folder: sets, networks trained here, transfers, filters, their analysis."""
    targets = [*tables(study).values(), *lowres(study).values(), filters(study)]
    if extracts(study):
        targets += [layers(study), *histograms(study).values()]
    return {job.folder: job for job in walk(targets) if job.stage in KEYED}


def known(named: Mapping[str, Job], name: str) -> Job:
    """The job of that name. Raises KeyfiltersError, with names that are near, if there is none."""
    if name not in named:
        near = get_close_matches(name, named, cutoff=0) or named
        raise KeyfiltersError(f"the study has no {name}; it has {len(named)} such names, among them {', '.join(near)}")
    return named[name]
