"""Tables 1, 3, 4 and 5, and the figures over n: the right numbers under the right names."""

import json

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from PIL import Image

from keyfilters.results.drawing import palette
from keyfilters.results.drawing.cells import CONTROLS
from keyfilters.results.drawing.curve import draw, gather, panels
from keyfilters.results.master_key.fig2 import _draw, fig2
from keyfilters.results.master_key.fig2b import fig2b
from keyfilters.results.master_key.fig4 import fig4
from keyfilters.results.master_key.table1 import table1
from keyfilters.results.master_key.table2 import table2
from keyfilters.results.master_key.table3 import table3
from keyfilters.results.master_key.table4 import table4
from keyfilters.results.master_key.table5 import table5
from keyfilters.store.identity import Job
from tests.helpers.legible import faults

FEMTO = {"architecture": "convnext_femto", "dims": [8, 8, 16, 16]}
HORNET = {"architecture": "hornet_tiny", "base_dim": 8}
RESNET = {"architecture": "resnet50", "layers": [1, 2, 1, 1]}
PLAIN = {"architecture": "yosinski8"}


@pytest.fixture
def render(tmp_path):
    """Render a table or a figure of gathered cells; returns the path of its CSV without suffix."""

    def render(of, cells, folder="tables"):
        name = of.__name__
        file = tmp_path / "results" / folder / f"{name}.csv"
        inputs = dict(cells)
        own = all(cell.startswith(f"{name}/") for cell in inputs)
        order = {"order": [cell.partition("/")[2] for cell in inputs]} if own else {}
        description = Job(name, name, order, inputs).as_json  # which sorts the inputs, as the command line does
        of(json.loads(description), file)
        with Image.open(file.with_suffix(".png")) as image:
            assert min(image.size) > 100
        assert "<svg" in file.with_suffix(".svg").read_text()
        return file

    return render


def lines(file):
    """The rows of the Markdown table."""
    rows = [line for line in file.with_suffix(".md").read_text().splitlines() if line[:1] == "|"]
    return [[part.strip() for part in row.strip("|").split("|")] for row in rows]


def test_table1_has_a_column_for_each_method(gathered, render):
    cells = [
        gathered("table1", "small", None, (0.9,), "baseline", {"method": "Baseline", "model": FEMTO}),
        gathered("table1", "small", "big", (0.8,), "transferred", {"method": "Transferred", "model": FEMTO}),
    ]
    file = render(table1, cells)
    head, _, row, *_ = lines(file)
    assert head == ["Method", "Baseline", "Transferred"]
    assert row == ["Accuracy (%)", "90.0", "80.0"]
    text = file.with_suffix(".md").read_text()
    assert "filters of The big set" in text
    assert "convnext_femto (dims 8-8-16-16)" in text
    assert "10 test images: a standard error of 11.1 points" in text


def test_controls_have_one_order_in_whatever_order_a_study_names_them(gathered, render):
    asked = ("universal", "permuted", "identity", "norms", "random", "closed_forms")
    cells = [gathered("table1", "small", "big", (0.8,), "transferred", {"method": "Transferred", "model": FEMTO})]
    cells += [gathered("table1", "small", "big", (0.8,), name, {"control": name, "model": FEMTO}) for name in asked]
    file = render(table1, cells)
    assert lines(file)[0] == ["Method", "Transferred", *CONTROLS.values()]
    of_table2 = [gathered("table2", "big", "big", (0.8,))]
    of_table2 += [gathered("table2", "big", "big", (0.8,), f"big--{name}", {"control": name}) for name in asked]
    file = render(table2, of_table2)
    assert lines(file)[0] == ["Target \\ Source", "The big set", *CONTROLS.values()]
    sentence = file.with_suffix(".md").read_text().partition("Controls, ours")[2]
    places = [sentence.index(f" {name.lower()}: ") for name in CONTROLS.values()]
    assert places == sorted(places)


def test_table3_has_a_column_for_each_source_model(gathered, render):
    cells = [
        gathered("table3", "small", "big", (share,), str(share), {"model": model})
        for share, model in ((0.6, FEMTO), (0.7, HORNET))
    ]
    head, _, row, _, _, *beside = lines(render(table3, cells))
    assert head == ["Source model", "ConvNeXt femto", "HorNet tiny"]
    assert row == ["Accuracy (%)", "60.0", "70.0"]
    assert beside == [
        ["Accuracy", "ConvNeXt femto", "60.0", "56.0", "+4.0"],
        ["Accuracy", "HorNet tiny", "70.0", "60.3", "+9.7"],
    ]


def test_table3_tells_models_of_one_architecture_apart(gathered, render):
    """The first, the network that filters go into itself, plays the paper's role."""
    models = (FEMTO, {**FEMTO, "depths": [3, 3, 9, 3]}, HORNET)
    cells = [
        gathered("table3", "small", "big", (share,), str(share), {"model": model})
        for share, model in zip((0.6, 0.8, 0.7), models, strict=True)
    ]
    head, _, _, _, _, *beside = lines(render(table3, cells))
    assert head == ["Source model", "ConvNeXt femto", "ConvNeXt femto (depths 3-3-9-3)", "HorNet tiny"]
    assert beside[0] == ["Accuracy", "ConvNeXt femto", "60.0", "56.0", "+4.0"]


def test_table4_names_model_and_domain(gathered, render):
    cells = [
        gathered("table4", "small", "small", (0.6,), "selffer", {"model": FEMTO}),
        gathered("table4", "small", "big", (0.7,), "other", {"model": HORNET}),
    ]
    file = render(table4, cells)
    assert lines(file)[0] == ["Source model", "ConvNeXt femto on The small set", "HorNet tiny on The big set"]
    assert "assigned to the target layer by layer" in file.with_suffix(".md").read_text()


def test_table5_compares_with_the_base_model(gathered, render):
    accuracies = {("big", None): 0.8, ("big", "big"): 0.1, ("big", "small"): 0.9}
    cells = [gathered("table5", *pair, accuracies=(share, share)) for pair, share in accuracies.items()]
    file = render(table5, cells)
    frame = pd.read_csv(file).set_index("source")
    assert frame["difference"].to_dict() == {"big": pytest.approx(-70), "small": pytest.approx(10)}
    assert frame["direction"].to_dict() == {"big": "down", "small": "up"}
    assert frame["excludes_zero"].to_dict() == {"big": True, "small": False}
    assert set(frame["compared_with"]) == {"base"}
    assert lines(file)[2] == ["The big set", "10.0 ± 0.0", "↑90.0 ± 0.0"]
    with Image.open(file.with_suffix(".png")) as image:
        colours = {colour for count, colour in image.convert("RGB").getcolors(1 << 24) if count > 100}
    above, below = (tuple(bytes.fromhex(colour[1:])) for colour in (palette.ABOVE, palette.BELOW))
    assert below in colours
    assert above not in colours


def over_n(gathered, table, model=FEMTO, **choices):
    yield gathered(table, "small", None, (0.8,), "z-base", {"series": "base B", "model": model})
    for source, n, share in (("big", 3, 0.6), ("big", 10, 0.4), ("small", 3, 0.8)):
        role = {"series": "AnB" if source == "big" else "BnB", "n": n}
        yield gathered(table, "small", source, (share, share), f"{source}{n}", role, **choices)


def test_figure_2_is_relative_to_base_b(gathered, render):
    file = render(fig2b, over_n(gathered, "fig2b", RESNET), "figures")
    frame = pd.read_csv(file).set_index(["series", "layers"])
    expected = {("base B", 0): 100, ("AnB", 3): 75, ("AnB", 10): 50, ("BnB", 3): 100}
    assert frame["percent_of_base"].to_dict() == pytest.approx(expected)
    assert lines(file)[0] == ["accuracy (% of base B), n =", "0", "3", "10"]
    assert lines(file)[2:] == [["AnB", "100.0", "75.0 ± 0.0", "50.0 ± 0.0"], ["BnB", "100.0", "100.0 ± 0.0", ""]]
    assert "92.5 % are kept" in file.with_suffix(".md").read_text()


BIAS, NORM = "the bias of a transferred convolution is", "the BatchNorm after a transferred convolution is"
PARTS, SHORTCUTS = "its affine part and its statistics", "the projections of shortcuts are"


@pytest.mark.parametrize(
    ("model", "choices", "said"),
    [
        (RESNET, {}, f"{NORM} trained, {PARTS}; {SHORTCUTS} transferred"),
        (RESNET, {"batch_norm": "copied"}, f"{NORM} copied and frozen with it, {PARTS}; {SHORTCUTS} transferred"),
        (RESNET, {"projections": "trained", "bias": "copied"}, f"{NORM} trained, {PARTS}; {SHORTCUTS} trained"),
        (PLAIN, {"bias": "copied", "projections": "trained"}, f"{BIAS} copied"),
        (FEMTO, {"kernel_size": "fit"}, f"{BIAS} trained; kernel_size is 'fit'"),
    ],
)
def test_a_curve_says_what_was_chosen_of_what_its_network_has(gathered, render, model, choices, said):
    cells = [*over_n(gathered, "fig2b", model, **choices)]
    text = render(fig2b, cells, "figures").with_suffix(".md").read_text()
    assert f"Our choice where the paper is silent: {said}.\n" in text
    text = render(fig2, cells, "figures").with_suffix(".md").read_text()
    assert f"% on The small set; {said} (our choice). AnB: convolutions 1 to n" in text


def test_figure_4_is_in_percent_of_the_test_images(gathered, render):
    file = render(fig4, over_n(gathered, "fig4"), "figures")
    assert lines(file)[0] == ["accuracy (%), n =", "0", "3", "10"]
    assert lines(file)[2] == ["The big set to The small set", "80.0", "60.0 ± 0.0", "40.0 ± 0.0"]
    text = file.with_suffix(".md").read_text()
    assert "n counts depthwise layers in order of execution, of 12;" in text
    assert "36.3 % at n = 0, and with all 12 layers 61.9 % from Food 101" in text


def test_figure_2_has_a_row_for_each_figure_and_n(gathered, render):
    file = render(fig2, [*over_n(gathered, "fig2c"), *over_n(gathered, "fig2a")], "figures")
    frame = pd.read_csv(file)
    assert frame["figure"].tolist() == ["fig2a"] * 4 + ["fig2c"] * 4
    assert lines(file)[0] == ["Figure", "n", "AnB (% of base B)", "BnB (% of base B)"]
    assert [row[:3] for row in lines(file)[2:5]] == [
        ["2a", "0 of 12", "100.0"],
        ["2a", "3 of 12", "75.0 ± 0.0"],
        ["2a", "10 of 12", "50.0 ± 0.0"],
    ]
    assert "base B 80.0 % on The small set" in file.with_suffix(".md").read_text()


def record(n=None, source=None, control=None, mean=50.0, spread=None):
    role = {"series": "base B", "model": FEMTO} if n is None else {"series": source, "n": n}
    return {
        "target": {"name": "small", "title": "The small set", "classes": 4, "test": 100},
        "source": {"name": source} if source else None,
        "role": role | ({"control": control} if control else {}),
        "mean": mean,
        "spread": spread,
        "n": 1 if spread is None else 3,
    }


def test_a_curve_begins_at_the_base_model_and_its_axis_at_0():
    records = [
        record(12, control="identity", mean=30.0),
        record(12, "big", mean=60.0, spread=4.0),
        record(6, "big", mean=55.0),
        record(12, "small"),
        record(),
    ]
    curves = gather(records, "Title", "layers", relative=True, printed=90.0)
    assert list(curves.series) == ["big", "small", "Identity"]
    _, axes = plt.subplots()
    draw(axes, curves)
    assert axes.get_ylim()[0] == 0
    by_label = {bars.get_label(): bars for bars in axes.containers}
    assert by_label["base B"].lines[0].get_xydata().tolist() == [[0, 100]]
    assert by_label["big"].lines[0].get_ydata().tolist() == [110, 120]
    half_bars = [(high - low) / 2 for (_, low), (_, high) in by_label["big"].lines[2][0].get_segments()]
    assert half_bars == pytest.approx([2 * 100 * (0.55 * 0.45 / 100) ** 0.5, 8])
    assert [by_label[name].lines[0].get_color() for name in ("big", "small", "Identity")] == [
        palette.DISTANT,
        palette.OWN,
        palette.CONTROLS["identity"],
    ]
    lines = [line.get_xydata().tolist() for line in axes.lines]
    assert [100, 110, 120] in [[y for _, y in line] for line in lines]
    assert [[12, 90]] in lines
    plt.close()


@pytest.mark.parametrize(("lowest", "drawn"), [(45.0, 2), (20.0, 1)])
def test_curves_that_lie_close_together_are_drawn_enlarged_too(lowest, drawn):
    """Whatever the identity does."""
    records = [record(), record(12, "big", mean=lowest), record(12, control="identity", mean=1.0)]
    figure = panels(gather(records, "Title", "layers", relative=False), ["A note."])
    whole, *enlarged = figure.axes
    assert (len(figure.axes), whole.get_ylim()[0]) == (drawn, 0)
    for axes in enlarged:
        assert 35 < axes.get_ylim()[0] < 45 < 50 < axes.get_ylim()[1] < 60
    assert whole.get_legend().get_window_extent().x0 > whole.bbox.x1, "beside the data"
    assert faults(figure) == []
    plt.close(figure)


def test_figure_2_enlarges_several_curves_that_lie_close_together():
    alone = [record(), record(12, "big", mean=45.0)]
    several = [*alone, record(12, control="random", mean=48.0)]
    of_panel = {"Figure 2b: title": alone, "Figure 2c: title": several}
    drawn = [gather(records, title, "layers", relative=True) for title, records in of_panel.items()]
    figure = _draw(drawn, "Title", ["A note."])
    one, other, enlarged = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["2b", "2c", "2c, enlarged"]
    assert (one.get_ylim()[0], one.get_ylim()) == (0, other.get_ylim())
    assert 0 < enlarged.get_ylim()[0] < 90 < 100 < enlarged.get_ylim()[1]
    (legend,) = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    assert [text.get_text() for text in legend.get_texts()] == ["base B", "big", "Random"]
    assert faults(figure) == []
    plt.close(figure)
