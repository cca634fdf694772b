"""The tables and figures of *The Master Key Filters Hypothesis*: what each is, and what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from keyfilters.config.base import MODEL, Name, PositiveFloat, PositiveInt
from keyfilters.config.transfer import STACKINGS, TRAINED_OR_COPIED, TrainedOrCopied
from keyfilters.models.registry import layer_count
from keyfilters.store.identity import Job
from keyfilters.study.experiment import (
    Celled,
    Controlled,
    Counts,
    Experiment,
    Names,
    Ordered,
    Seeded,
    base_cell,
    cells_of,
    transfer_cell,
)
from keyfilters.study.jobs import prepare, train, transfer

if TYPE_CHECKING:
    from keyfilters.study.study import Study


class Table1(Seeded, Ordered, Controlled):
    """All depthwise filters of the source in the target: as they are, shuffled, the first 3 layers' repeated."""

    name = "table1"
    comparison = True
    caption = (
        "Accuracy with all depthwise filters of a distant source: in place, shuffled, the first three layers' repeated."
    )

    source: Name
    target: Name
    model: Name = MODEL

    def inputs(self, study: Study) -> dict[str, Job]:
        model = study.model_of(self.model).key_fields

        def scenario(method: str, arrangement: str) -> Job:
            models = {"model": self.model, "source_model": self.model}
            role = {"method": method, "model": model}
            return transfer_cell(study, self.target, self.source, role, **models, arrangement=arrangement)

        return {
            "baseline": base_cell(study, self.target, self.model, {"method": "Baseline", "model": model}),
            "transferred": scenario("Transferred", "in place"),
            "shuffled": scenario("Shuffled", "shuffled"),
            "repeated": scenario("Only first 3 layers, repeated", "repeated"),
            **self.control_cells(
                study,
                self.target,
                self.source,
                "{control}",
                {"model": model},
                model=self.model,
                source_model=self.model,
            ),
        }


class Grid(Experiment):
    """Layers of every source, frozen in every target; left out means every whole set."""

    targets: Names | None = None
    sources: Names | None = None

    def pairs(self, study: Study) -> Iterator[tuple[str, str]]:
        return product(self.targets or study.whole_sets, self.sources or study.whole_sets)

    def check(self, study: Study) -> None:
        super().check(study)
        if not set(self.targets or study.whole_sets) <= set(self.sources or study.whole_sets):
            raise ValueError(": every target must be a source too, for its selffer cell")


class Table2(Celled, Grid, Controlled):
    """Depthwise filters, compared with the row's selffer, and that with Table 7's base model."""

    name = "table2"
    comparison = True
    caption = "Accuracy of targets with the frozen depthwise filters of every source."

    def inputs(self, study: Study) -> dict[str, Job]:
        cells = {f"{target}--{source}": transfer_cell(study, target, source) for target, source in self.pairs(study)}
        for target in self.targets or study.whole_sets:
            cells |= self.control_cells(study, target, target, f"{target}--{{control}}", {})
        bases = cells_of(study, ["table7"] if "table7" in study.tables.enabled else [])
        names = [f"table7/{target}" for target in self.targets or study.whole_sets]
        return cells | {name: bases[name] for name in names if name in bases}


class Table3(Seeded, Ordered):
    """Depthwise filters of several models, trained on the source and stacked, in one small target."""

    name = "table3"
    comparison = True
    caption = "Accuracy of a small target with depthwise filters of larger models and another architecture."

    source: Name
    target: Name
    models: Names

    def inputs(self, study: Study) -> dict[str, Job]:
        cell = partial(transfer_cell, study, self.target, self.source, arrangement="stacked")
        return {model: cell({"model": study.model_of(model).key_fields}, source_model=model) for model in self.models}


class Table4(Seeded, Ordered):
    """Depthwise filters of another architecture and domain, beside the target's selffer."""

    name = "table4"
    comparison = True
    caption = "Accuracy of a small target with depthwise filters of another architecture and domain."

    source: Name
    target: Name
    model: Name

    def inputs(self, study: Study) -> dict[str, Job]:
        cell = partial(transfer_cell, study, self.target)
        other = study.model_of(self.model).key_fields
        return {
            "selffer": cell(self.target, {"model": study.model.key_fields}),
            self.model: cell(self.source, {"model": other}, source_model=self.model, arrangement="stacked"),
        }


class Table5(Seeded, Grid):
    """Pointwise layers, compared with the row's base model."""

    name = "table5"
    comparison = True
    caption = "Accuracy of targets with the frozen pointwise layers of every source."

    def inputs(self, study: Study) -> dict[str, Job]:
        bases = {target: base_cell(study, target) for target in self.targets or study.whole_sets}
        cell = partial(transfer_cell, study, layers="pointwise")
        return bases | {f"{target}--{source}": cell(target, source) for target, source in self.pairs(study)}


class Sets(Experiment):
    """Something about each set; left out means every whole one."""

    datasets: Names | None = None


class Table6(Sets):
    """The sets as prepared."""

    name = "table6"
    comparison = True
    reads = "artifacts"
    caption = "The sets of images as prepared."

    def inputs(self, study: Study) -> dict[str, Job]:
        return {dataset: prepare(study, dataset) for dataset in self.datasets or study.whole_sets}


class Table7(Celled, Sets):
    """Accuracy of the base models."""

    name = "table7"
    comparison = True
    caption = "Accuracy of the base models."

    def inputs(self, study: Study) -> dict[str, Job]:
        return {dataset: base_cell(study, dataset) for dataset in self.datasets or study.whole_sets}


class Figure1(Ordered):
    """Depthwise filters, drawn at random from the first, middle and last layers of some models."""

    name = "fig1"
    kind = "figure"
    reads = "artifacts"
    caption = "Depthwise filters, drawn at random from the first, middle and last layers."

    dataset: Name
    models: Names
    filters: PositiveInt = 24  # of each layer

    def inputs(self, study: Study) -> dict[str, Job]:
        return {model: train(study, self.dataset, study.seeds[0], model) for model in self.models}

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | {"filters": self.filters, "seed": study.seeds[0]}


class Curve(Seeded, Ordered, Controlled):
    """Accuracy against the number n of layers transferred."""

    layers: ClassVar[Literal["depthwise", "convolutions"]]

    target: Name
    source: Name
    model: Name = MODEL
    n: Counts

    def check(self, study: Study) -> None:
        super().check(study)
        layers, model = self.layer_count(study), study.model_of(self.model)
        if max(self.n) > layers:
            raise ValueError(f".n: {max(self.n)} is more than the {layers} layers of {model.architecture}")

    def layer_count(self, study: Study) -> int:
        """Of its network."""
        model = study.model_of(self.model)
        return layer_count(model.architecture, model.arguments)

    def curve(self, study: Study, series: str, source: str, name: str, **how: Any) -> dict[str, Job]:
        """A cell for each n; `name` of a cell has `{n}` in it."""
        cell = partial(transfer_cell, study, self.target, source, model=self.model, source_model=self.model)
        return {name.format(n=n): cell({"series": series, "n": n}, layers=self.layers, first=n, **how) for n in self.n}

    def control_curves(self, study: Study, **choices: Any) -> dict[str, Job]:
        """A cell for each control and n, with the choices of the paper's cells beside it."""
        cells, models = {}, {"model": self.model, "source_model": self.model}
        for n in self.n:
            how = {**models, "layers": self.layers, "first": n, **choices}
            cells |= self.control_cells(study, self.target, self.source, f"{{control}}-n{n}", {"n": n}, **how)
        return cells

    def base(self, study: Study) -> dict[str, Job]:
        role = {"series": "base B", "model": study.model_of(self.model).key_fields}
        return {"base": base_cell(study, self.target, self.model, role)}


class Figure2a(Curve):
    """Convolutions of a plain network: A3B for n = 3, B3B from the target itself, with + trained along.

    Biases are copied and frozen with the weights, as Yosinski et al. (2014) take whole layers.
    """

    name = "fig2a"
    kind = "figure"
    caption = "Accuracy against the number of transferred convolutions of a plain network."

    layers = "convolutions"

    def inputs(self, study: Study) -> dict[str, Job]:
        cells = self.base(study)
        for first, source in (("A", self.source), ("B", self.target)):
            curve = partial(self.curve, study, source=source, bias="copied")
            cells |= curve(f"{first}nB", name=f"{first}{{n}}B")
            cells |= curve(f"{first}nB+", name=f"{first}{{n}}B+", frozen=False)
        return cells | self.control_curves(study, bias="copied")


class Figure2b(Curve):
    """Convolutions of a ResNet, A3B for n = 3; with a `batch_norm` of its own, or the study's."""

    name = "fig2b"
    kind = "figure"
    caption = "Accuracy against the number of transferred convolutions of a ResNet."

    layers = "convolutions"
    batch_norm: TrainedOrCopied | None = None  # beside what is transferred; the study's when left out

    def inputs(self, study: Study) -> dict[str, Job]:
        own = {"batch_norm": self.batch_norm_of(study)}
        curve = self.curve(study, "AnB", self.source, "A{n}B", **own)
        return self.base(study) | curve | self.control_curves(study, **own)

    def batch_norm_of(self, study: Study) -> TrainedOrCopied:
        """Its own, or the study's."""
        return self.batch_norm or study.transfer.batch_norm


class Figure2c(Curve):
    """Depthwise layers of a ConvNeXt, A3B for n = 3."""

    name = "fig2c"
    kind = "figure"
    caption = "Accuracy against the number of transferred depthwise layers of a ConvNeXt."

    layers = "depthwise"

    def inputs(self, study: Study) -> dict[str, Job]:
        return self.base(study) | self.curve(study, "AnB", self.source, "A{n}B") | self.control_curves(study)


class Figure2(Experiment):
    """Figures 2a, 2b and 2c on one axis: from the cells of those that the study makes."""

    name = "fig2"
    kind = "figure"
    caption = (
        "Accuracy against the number of transferred layers: a plain network, a ResNet and a ConvNeXt beside each other."
    )

    panels: ClassVar = (Figure2a, Figure2b, Figure2c)

    def check(self, study: Study) -> None:
        super().check(study)
        if not self._enabled_panels(study):
            names = ", ".join(panel.name for panel in self.panels)
            raise ValueError(f": the study makes none of {names}, whose cells it is drawn from")

    def inputs(self, study: Study) -> dict[str, Job]:
        return cells_of(study, self._enabled_panels(study))

    def _enabled_panels(self, study: Study) -> list[str]:
        return [panel.name for panel in self.panels if panel.name in study.tables.enabled]


class Figure3(Experiment):
    """The method as an image: a base model, and a network that takes its first n depthwise layers."""

    name = "fig3"
    kind = "figure"
    reads = "artifacts"
    caption = "The method: a base model, and a network that takes its first depthwise layers."

    source: Name
    target: Name
    n: PositiveInt = 3

    def inputs(self, study: Study) -> dict[str, Job]:
        transferred = transfer(study, self.target, self.source, study.seeds[0], first=self.n)
        return {"base": transferred.inputs["source"], "transfer": transferred}


class Figure4(Curve):
    """Depthwise layers of a distant source and of the target itself."""

    name = "fig4"
    kind = "figure"
    caption = "Accuracy against the number of depthwise layers transferred from a distant source."

    layers = "depthwise"

    def inputs(self, study: Study) -> dict[str, Job]:
        cells = self.base(study)
        for source in (self.source, self.target):
            cells |= self.curve(study, source, source, f"{source}-n{{n}}")
        return cells | self.control_curves(study)


CLAIMED = ("table1", "table2", "table3", "table4", "table5", "table7", "fig2a", "fig2b", "fig2c", "fig4")
"""Tables and figures whose cells the claims are judged by."""


class Claims(Experiment):
    """What the paper claims of Tables 1 to 5 and Figures 2 and 4, and what controls say, by the study's numbers."""

    name = "claims"
    caption = "What the paper claims, against the study's numbers."

    tables: tuple[Literal[CLAIMED], ...] | None = None  # by the cells of these alone, where the others are not run yet
    looks: PositiveInt = 1  # how often they were judged, where seeds were added by what was seen: divides the level

    def inputs(self, study: Study) -> dict[str, Job]:
        """The cells of those among them that the study makes, under the names that they have there."""
        enabled = study.tables.enabled
        return cells_of(study, [table for table in CLAIMED if table in enabled and table in (self.tables or CLAIMED)])

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | {"looks": self.looks}


class Controls(Experiment):
    """What filters are worth above random ones, the identity and the target's own, by Tables 2 and 7: ours."""

    name = "controls"
    caption = "What filters are worth above random ones, the identity and the target's own (ours)."

    def check(self, study: Study) -> None:
        super().check(study)
        table2 = study.tables.enabled.get("table2")
        if not isinstance(table2, Table2) or not {"random", "identity"} <= {*table2.controls}:
            raise ValueError(": needs table2 with `controls: [random, identity]`")

    def inputs(self, study: Study) -> dict[str, Job]:
        """All cells that Table 2 reads."""
        return cells_of(study, ["table2"])


class Multiverse(Experiment):
    """What Tables 1 and 4 and the end of Figure 2b say under other choices where the paper is silent, beside the
    study's own: a transferred filter's bias, in Figure 2b its BatchNorm, trained or copied, filters of another
    architecture stacked over all stages or by stage. Ours.
    """

    name = "multiverse"
    caption = "Effects of Tables 1 and 4 and Figure 2b under other choices where the paper is silent (ours)."

    margins: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (0.5, 1.0, 2.0)  # points that count as none

    def check(self, study: Study) -> None:
        super().check(study)
        if not self._judged(study):
            raise ValueError(": needs table1 or table4, whose effects it judges")

    def inputs(self, study: Study) -> dict[str, Job]:
        """The cells that have the study's own choices, those with others, and those by which is told whether networks
        use their filters."""
        enabled = study.tables.enabled
        every = [of(study, enabled[table]) for table, of in UNDER_OTHER_CHOICES.items() if table in enabled]
        return {name: job for cells in every for name, job in cells.items()}

    def settings(self, study: Study) -> dict[str, Any]:
        fig2b = study.tables.enabled.get("fig2b")
        batch_norm = fig2b.batch_norm_of(study) if isinstance(fig2b, Figure2b) else study.transfer.batch_norm
        own = {"bias": study.transfer.bias, "batch_norm": batch_norm}
        return super().settings(study) | {"margins": list(self.margins), **own}

    def _judged(self, study: Study) -> list[str]:
        return [name for name in ("table1", "table4") if name in study.tables.enabled]


def _of_table1(study: Study, table1: Table1) -> dict[str, Job]:
    other = _other(study.transfer.bias)
    own = [f"table1/{name}" for name in ("baseline", "transferred", "random", "identity")]
    cell = partial(transfer_cell, study, table1.target, model=table1.model, source_model=table1.model, bias=other)
    cells = {f"transferred-{other}": cell(table1.source, {"of": "table1/transferred"})}
    if "random" in table1.controls:
        role = {"of": "table1/random", "control": "random"}
        cells[f"random-{other}"] = cell(None, role, control="random")
    return _named(study, own) | cells


def _of_table4(study: Study, table4: Table4) -> dict[str, Job]:
    other = _other(study.transfer.bias)
    of = f"table4/{table4.model}"
    own = ["table4/selffer", of, f"table7/{table4.target}", f"table2/{table4.target}--identity"]
    cell = partial(transfer_cell, study, table4.target)
    cells = {f"selffer-{other}": cell(table4.target, {"of": "table4/selffer"}, bias=other)}
    choices = set(product(STACKINGS, TRAINED_OR_COPIED)) - {(STACKINGS[0], study.transfer.bias)}
    for stacking, bias in choices:
        role, how = {"of": of, "stacking": stacking}, {"source_model": table4.model, "arrangement": stacking}
        name = f"{table4.model}-{stacking}-{bias}".replace(" ", "-")
        cells[name] = cell(table4.source, role, bias=bias, **how)
    return _named(study, own) | cells


def _of_fig2b(study: Study, fig2b: Figure2b) -> dict[str, Job]:
    """Nothing if no n is that of all layers."""
    n, other = fig2b.layer_count(study), _other(fig2b.batch_norm_of(study))
    if n not in fig2b.n:
        return {}
    of, models = f"fig2b/A{n}B", {"model": fig2b.model, "source_model": fig2b.model}
    how = {**models, "layers": fig2b.layers, "first": n, "batch_norm": other}
    cell = transfer_cell(fig2b.seeded(study), fig2b.target, fig2b.source, {"of": of}, **how)
    return _named(study, ["fig2b/base", of]) | {f"A{n}B-BatchNorm-{other}": cell}


UNDER_OTHER_CHOICES: dict[str, Callable[..., dict[str, Job]]] = {
    "table1": _of_table1,
    "table4": _of_table4,
    "fig2b": _of_fig2b,
}
"""What makes the cells of `multiverse` for each table or figure."""


def _named(study: Study, names: Iterable[str]) -> dict[str, Job]:
    """Those of these cells, `<table>/<cell>`, that the study's own tables and figures have."""
    tables = dict.fromkeys(name.partition("/")[0] for name in names)
    cells = cells_of(study, [table for table in tables if table in study.tables.enabled])
    return {name: cells[name] for name in names if name in cells}


def _other(chosen: TrainedOrCopied) -> TrainedOrCopied:
    return next(choice for choice in TRAINED_OR_COPIED if choice != chosen)
