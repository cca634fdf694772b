"""Whether the layers that a study's transfers judge can use their kernels: which of their taps ever meet a map.

What is frozen in a layer whose taps meet nothing changes nothing, so that no transfer loses anything there: a study of
such layers cannot tell filters apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from keyfilters.config.transfer import Transfer
from keyfilters.models.maps import Reading
from keyfilters.models.registry import readings
from keyfilters.store.identity import Job, walk
from keyfilters.study import jobs
from keyfilters.study.study import Study


def judged_layers(study: Study) -> dict[str, list[Reading]]:
    """What the layers read that filters are taken from or brought to, by the architecture with its arguments: from the
    first to the last one that any transfer of the study's tables has. Pointwise layers have one tap and are left out.
    """
    depth: dict[str, int] = {}
    models = {}
    for job in walk(jobs.tables(study).values()):
        if job.stage == "transfer" and job.settings["transfer"]["layers"] != "pointwise":
            for model, layers in _ends(job):
                name = _called(model)
                models[name] = model
                depth[name] = max(depth.get(name, 0), layers or _count(model))
    return {name: _read(model, study.image_size)[: depth[name]] for name, model in models.items()}


def report(study: Study) -> Iterator[str]:
    """A line for each network on the maps that its judged layers read, and warnings where kernels exceed them."""
    warned = False
    for name, layers in judged_layers(study).items():
        sizes = ", ".join(str(size) for size, _ in groupby(reading.map for reading in layers))
        yield f"Maps of {name}, layers 1 to {len(layers)}: {sizes} px."
        small = [(number, reading) for number, reading in enumerate(layers, 1) if reading.met < reading.kernel]
        if small:
            warned = True
            yield f"WARNING: kernels exceed their maps in {len(small)} of these: {'; '.join(_small(small))}."
    if warned:
        yield (
            "Taps that meet no map are never trained and change nothing, so what is frozen in these layers is hardly "
            "judged; larger images give larger maps."
        )


def _small(layers: Sequence[tuple[int, Reading]]) -> Iterator[str]:
    for (size, met, kernel), group in groupby(layers, lambda layer: (layer[1].map, layer[1].met, layer[1].kernel)):
        numbers = [number for number, _ in group]
        yield f"layers {_spans(numbers)}, {met**2} of {kernel**2} taps on {size} px"


def _spans(numbers: Sequence[int]) -> str:
    """`1-3, 5` for 1, 2, 3, 5."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda entry: entry[1] - entry[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _ends(job: Job) -> Iterable[tuple[dict, int | None]]:
    """The target's model and the source's, each with the number of its first layers that take part, None for all."""
    how = Transfer.model_validate(job.settings["transfer"])
    yield job.settings["model"], how.first
    if "source" in job.inputs:
        of_source = {"in place": how.first, "repeated": how.repeat_first}
        yield job.inputs["source"].settings["model"], of_source.get(how.arrangement)


def _called(model: dict) -> str:
    arguments = ", ".join(f"{name} {value}" for name, value in model.items() if name != "architecture")
    return f"{model['architecture']} ({arguments})" if arguments else model["architecture"]


def _read(model: dict, image_size: int) -> list[Reading]:
    arguments = {name: value for name, value in model.items() if name != "architecture"}
    return readings(model["architecture"], arguments, image_size)


def _count(model: dict) -> int:
    return len(_read(model, 0))
