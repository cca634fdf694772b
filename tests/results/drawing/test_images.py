"""How images look: legible at the width of a page, each thing in one colour, what is few as dots."""

import re
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import keyfilters.results
from keyfilters.results.depthwise import depthwise_quality
from keyfilters.results.drawing import box_plots, heat_maps, palette, paper, style, weights
from keyfilters.results.drawing.forest import forest
from keyfilters.results.drawing.table import Grid, draw, turned
from tests.helpers.legible import faults

LITERAL = re.compile(r'"#[0-9a-fA-F]{6}"|"tab:|"C\d"|colou?r="(?!none)[a-z]+"|cmap="|fontsize=\d|labelsize=\d')
# Machado, Oliveira and Fernandes 2009, severity 1: of people without one kind of cones.
WITHOUT = {
    "red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


@pytest.fixture(autouse=True)
def _style():
    with plt.rc_context(style.STYLE):
        yield
    plt.close("all")


def test_small_letters_labels_that_collide_and_wide_images_are_noticed():
    figure, axes = plt.subplots(figsize=(style.WIDTH + 1, 2), layout="constrained")
    axes.set_xticks(np.linspace(0, 1, 60), ["a long label"] * 60)
    axes.set_title("small", fontsize=5)
    assert [fault.split()[-1] for fault in faults(figure)] == ["wide", "points", "label'"]
    figure, axes = plt.subplots(figsize=(style.WIDTH, 2), layout="constrained")
    axes.set_title("legible")
    assert faults(figure) == []


@pytest.mark.parametrize("eyes", WITHOUT)
def test_colours_of_one_image_differ_for_people_without_one_kind_of_cones(eyes):
    for colours in (palette.CYCLE, [*palette.CONTROLS.values(), palette.OWN, palette.DISTANT, palette.BLACK]):
        seen = np.array([to_rgb(colour) for colour in colours]) @ np.array(WITHOUT[eyes]).T
        assert min(np.abs(one - other).max() for one, other in combinations(seen, 2)) > 0.1


def test_colours_and_sizes_of_letters_are_nowhere_but_in_palette_and_style():
    modules = [*Path(keyfilters.results.__path__[0]).rglob("*.py")]
    assert len(modules) > 40
    assert [
        path.name
        for path in modules
        if path.name not in ("palette.py", "style.py") and LITERAL.search(path.read_text())
    ] == []


@pytest.mark.parametrize(("columns", "rows", "letters"), [(2, 1, 5), (12, 5, 18), (6, 16, 9)])
def test_a_table_of_any_size_is_legible_at_the_width_of_a_page(columns, rows, letters):
    text = [[f"{'x' * (letters // 2 - 1)} {'y' * (letters // 2)}"] * columns] * rows
    names = [f"A row whose name is a whole sentence about what is in it, as number {row}" for row in range(rows)]
    grid = Grid("Corner", [f"The column of number {column}" for column in range(columns)], names, text)
    assert (
        faults(draw(grid, "A title that says what the table is about, in so many words. " * 3, ["A note. " * 40])) == []
    )


def test_a_table_of_one_row_stands_upright_with_the_papers_numbers_beside_ours():
    ours = [
        paper.Number("Accuracy", "Baseline", 44.7, 1, cell="a"),
        paper.Number("Accuracy", "Ours", 45.0, 1, cell="b"),
    ]
    row = Grid("Method", ["Baseline", "Ours"], ["Accuracy (%)"], [["44.7", "45.0"]], cells=[["a", "b"]])
    upright = turned(row, paper.compare("table1", ours))
    assert upright.columns == ["Accuracy (%)", "Paper's (%)"]
    assert upright.lines == [["Baseline", "44.7", "86.9"], ["Ours", "45.0", ""]]
    assert turned(row, None).columns == ["Accuracy (%)"]


def test_a_filter_has_no_frame_and_no_ticks():
    _, axis = plt.subplots()
    weights.show(axis, np.eye(3))
    assert not any(spine.get_visible() for spine in axis.spines.values())
    assert not [*axis.get_xticks(), *axis.get_yticks()]


def test_few_pairs_are_dots_and_not_a_box():
    _, axes = plt.subplots()
    box_plots.draw(axes, {"few": pd.Series([0.1, 0.2]), "many": pd.Series(np.linspace(0.1, 1, 20))})
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xydata().tolist() for line in dots] == [[[1, 0.1], [1, 0.2]]]


@pytest.mark.parametrize("groups", [2, 61])
def test_the_labels_of_a_map_do_not_collide_however_many_groups_it_has(groups):
    drift = np.random.default_rng(0).random((groups, groups))
    figure, axis = plt.subplots(figsize=(style.WIDTH, heat_maps.height(groups)), layout="constrained")
    heat_maps.draw(figure, axis, "Groups", [f"A group with a name (1/{group})" for group in range(groups)], drift)
    assert faults(figure) == []
    assert figure.axes[1].get_ylabel() == "D (nats)"


def test_the_papers_effect_is_beside_ours():
    row = {"claim": "It helps", "effect": 1.0, "low": 0.5, "high": 1.5, "claimed_low": 0.0, "claimed_high": None}
    row |= {"paper_effect": -7.0, "verdict": "contradicted", "n": 3, "seeds_needed": None, "ours": False}
    figure = forest([row], "Title", ["A note."])
    stars = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_marker() == "*"]
    assert stars == [[[-7, 0]]]
    assert figure.axes[0].get_xlim()[0] < -7


def test_a_claim_of_ours_and_the_seeds_that_it_needs_are_named():
    row = {"claim": "It helps", "effect": 1.0, "low": -0.5, "high": 1.5, "claimed_low": 0.0, "claimed_high": None}
    row |= {"paper_effect": None, "verdict": "undecided", "n": 3, "seeds_needed": 43, "ours": True}
    figure = forest([row], "Title", ["Effects.", "Verdicts are corrected.", "More."])
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["It helps (ours)"]
    assert [text.get_text() for text in axes.texts] == ["undecided, n = 3 (43 seeds needed)"]
    assert figure.get_supxlabel() == "Effects.\nVerdicts are corrected."


def test_every_architecture_has_a_line_of_its_own():
    rows = [
        {"architecture": f"ConvNeXt, {layers} layers", "position": position, "layers": layers, "networks": 1}
        for layers in (2, 3)
        for position in range(1, layers + 1)
    ]
    frame = pd.DataFrame(rows).sort_values("position")  # as groupby leaves them
    for quantity in depthwise_quality.QUANTITIES:
        for which in ("mean", "min", "max"):
            frame[f"{quantity}_{which}"] = 0.0 if quantity == "sparsity" else 0.5
    figure = depthwise_quality._draw(frame, "Title", ["A note."])
    assert len(figure.axes) == 2  # no panel of sparsity, of which there is none
    curves = [line.get_xdata().tolist() for line in figure.axes[0].lines]
    assert curves == [[0, 1], [0, 0.5, 1]]
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["ConvNeXt, 2 layers (1)", "ConvNeXt, 3 layers (1)"]
