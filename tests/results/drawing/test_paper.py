"""Our numbers beside the paper's: the same place, the same arrow or not."""

import pandas as pd
import pytest

from keyfilters.results.drawing import paper
from keyfilters.results.drawing.arrows import arrow
from keyfilters.results.master_key.table2 import table2
from keyfilters.store.identity import Job


def test_the_papers_numbers():
    counts = {"table1": 4, "table2": 42, "table3": 6, "table4": 2, "table5": 42, "table6": 21, "table7": 7}
    assert {table: len(paper.numbers(table)) for table in counts} == counts
    assert paper.numbers("table2")["Oxford-IIIT Pets", "Sketch"] == 63.9
    assert paper.numbers("table5")["Oxford 102 Flowers", "Food 101"] == 60.0
    assert paper.numbers("table6")["Oxford 102 Flowers", "Test"] == 6000
    assert paper.numbers("table7")["Accuracy", "Oxford-IIIT Pets"] == 36.3


SETS = ("ImageNet", "Food 101", "Sketch", "CIFAR-10", "STL-10", "Oxford-IIIT Pets", "Oxford 102 Flowers")
WORDS = {"+": "up", "-": "down", "=": "same"}
PRINTED = {  # a second transcription: + for an arrow up, - for one down, = for none; the diagonal has none
    "table2": ("+ -----", "+= ----", "=== ---", "++++ --", "+++++ -", "+++++= "),
    "table5": ("- -----", "-- ----", "--- ---", "---- --", "----- -", "------ "),
}


@pytest.mark.parametrize("table", PRINTED)
def test_arrows_are_those_that_the_paper_prints(table):
    expected = {
        (row, column): WORDS[mark]
        for row, marks in zip(SETS[1:], PRINTED[table], strict=True)
        for column, mark in zip(SETS, marks, strict=True)
        if mark != " "
    }
    assert len(expected) == 36
    assert paper.arrows(table) == expected


@pytest.mark.parametrize("table", ["table1", "table3", "table4", "table6", "table7"])
def test_other_tables_print_no_arrows(table):
    assert paper.arrows(table) == {}
    comparison = paper.compare(table, [paper.Number("Accuracy", "CIFAR-10", 50.0, 1, "up")])
    assert not [column for column in comparison.columns if "arrow" in column]


def test_seven_arrows_are_others_than_the_papers_numbers_say():
    selffers, bases = paper.numbers("table2"), paper.numbers("table7")
    references = {"table2": lambda row: selffers[row, row], "table5": lambda row: bases["Accuracy", row]}
    contradictions = {
        (table, row, column)
        for table, reference in references.items()
        for (row, column), printed in paper.arrows(table).items()
        if arrow(paper.numbers(table)[row, column] - reference(row)) != printed
    }
    assert contradictions == {
        ("table2", "CIFAR-10", "Food 101"),
        ("table2", "CIFAR-10", "Sketch"),
        ("table2", "Oxford 102 Flowers", "Oxford-IIIT Pets"),
        *(("table5", "Oxford-IIIT Pets", source) for source in SETS[1:5]),
    }


def test_a_comparison_has_every_number_of_either_side():
    ours = [paper.Number("Accuracy", "Sketch", 60.04, n=3), paper.Number("Accuracy", "Emoji", 57.0, n=1)]
    comparison = paper.compare("table7", ours).set_index("column")
    assert len(comparison) == 8
    assert comparison.loc["Sketch", ["ours", "n", "paper"]].tolist() == [60.04, 3, 66.6]
    assert comparison.loc["Sketch", "difference"] == pytest.approx(-6.56)
    assert comparison.loc["Emoji", ["paper", "difference"]].isna().all()
    assert comparison.loc["ImageNet", ["ours", "n"]].isna().all()


@pytest.mark.parametrize(
    ("table", "row", "column", "mine", "same"),
    [
        ("table2", "Food 101", "ImageNet", "up", True),
        ("table2", "Food 101", "ImageNet", "down", False),
        ("table2", "CIFAR-10", "Food 101", "same", True),  # 97.0, its selffer 97.1, and no arrow
        ("table2", "Food 101", "Food 101", "", None),  # the selffer itself
        ("table5", "Oxford-IIIT Pets", "Food 101", "down", True),  # 41.2, the base model 36.3
        ("table5", "CIFAR-10", "ImageNet", "up", False),
        ("table5", "Food 101", "Emoji", "up", None),  # which the paper does not have
    ],
)
def test_arrows_are_the_same_or_not(table, row, column, mine, same):
    comparison = paper.compare(table, [paper.Number(row, column, 50.0, 1, mine)]).set_index(["row", "column"])
    same_arrow = comparison.loc[(row, column), "same_arrow"]
    assert pd.isna(same_arrow) if same is None else same_arrow == same


def test_markdown_has_what_both_have():
    ours = [paper.Number("STL-10", "Sketch", 80.0, 1, "down"), paper.Number("STL-10", "Another", 1.0, 1, "down")]
    lines = paper.shown(paper.compare("table2", ours)).splitlines()
    cells = [part.strip() for part in lines[4].strip("|").split("|")]
    assert cells == ["STL-10", "Sketch", "80.0", "84.6", "-4.6", "no"]
    assert lines[-1] == "0 of 1 arrows are those that the paper prints."
    assert len(lines) == 7
    assert paper.shown(paper.compare("table2", ours[1:])) == ""


@pytest.mark.parametrize(
    ("table", "row", "column", "printed"),
    [
        ("table2", "Oxford-IIIT Pets", "Sketch", True),
        ("table7", "Accuracy", "Oxford-IIIT Pets", True),
        ("table2", "Oxford 102 Flowers", "Oxford-IIIT Pets", False),
    ],
)
def test_the_contradiction_on_pets_is_told_where_pets_is_the_target(table, row, column, printed):
    shown = paper.shown(paper.compare(table, [paper.Number(row, column, 50.0, 1)]))
    sentence = "a base model of 36.3 % (Table 7) below the selffers with depthwise filters, 52.4 % (Table 2)"
    assert (sentence in shown) == printed
    assert ("pointwise layers, 43.6 % (Table 5)" in shown) == printed


def test_a_set_may_stand_for_one_of_the_papers(tmp_path, gathered):
    cells = dict(gathered("table2", *pair) for pair in (("small", "small"), ("small", "big")))
    description = Job("table2", "table2", {"paper": {"small": "Sketch", "big": "ImageNet"}}, cells).description
    file = tmp_path / "results/tables/table2.csv"
    table2(description, file)
    comparison = pd.read_csv(file.with_suffix(".paper.csv")).set_index(["row", "column"])
    assert comparison.loc[("Sketch", "ImageNet"), ["ours", "paper"]].tolist() == [50, 67.1]
