"""Our numbers beside the paper's: the same place, the same arrow or not."""

import pandas as pd
import pytest

from keyfilters.results.drawing import paper
from keyfilters.results.master_key.table2 import table2
from keyfilters.store.identity import Job


def test_the_papers_numbers():
    counts = {"table1": 4, "table2": 42, "table3": 6, "table4": 2, "table5": 42, "table6": 21, "table7": 7}
    assert {table: len(paper.numbers(table)) for table in counts} == counts
    assert paper.numbers("table2")["Oxford-IIIT Pets", "Sketch"] == 63.9
    assert paper.numbers("table5")["Oxford 102 Flowers", "Food 101"] == 60.0
    assert paper.numbers("table6")["Oxford 102 Flowers", "Test"] == 6000
    assert paper.numbers("table7")["Accuracy", "Oxford-IIIT Pets"] == 36.3


def test_a_twin_has_every_number_of_either_side():
    ours = [paper.Number("Accuracy", "Sketch", 60.04, n=3), paper.Number("Accuracy", "Emoji", 57.0, n=1)]
    twin = paper.twin("table7", ours).set_index("column")
    assert len(twin) == 8
    assert twin.loc["Sketch", ["ours", "n", "paper"]].tolist() == [60.04, 3, 66.6]
    assert twin.loc["Sketch", "difference"] == pytest.approx(-6.56)
    assert twin.loc["Emoji", ["paper", "difference"]].isna().all()
    assert twin.loc["ImageNet", ["ours", "n"]].isna().all()


@pytest.mark.parametrize(
    ("table", "row", "column", "mine", "same"),
    [
        ("table2", "Food 101", "ImageNet", "up", True),  # 87.6, its selffer 87.3
        ("table2", "Food 101", "ImageNet", "down", False),
        ("table2", "Food 101", "Food 101", "", None),  # the selffer itself
        ("table5", "Food 101", "Food 101", "down", True),  # 63.6, the base model 87.6
        ("table5", "CIFAR-10", "ImageNet", "up", False),
        ("table1", "Accuracy", "Shuffled", "same", False),  # 86.2, the baseline 86.9
        ("table3", "Accuracy", "HorNet tiny", "up", True),
        ("table7", "Accuracy", "CIFAR-10", "", None),
        ("table7", "Accuracy", "Emoji", "up", None),  # which the paper does not have
    ],
)
def test_arrows_are_the_same_or_not(table, row, column, mine, same):
    twin = paper.twin(table, [paper.Number(row, column, 50.0, 1, mine)]).set_index(["row", "column"])
    found = twin.loc[(row, column), "same_arrow"]
    assert pd.isna(found) if same is None else found == same


def test_markdown_has_what_both_have():
    ours = [paper.Number("Accuracy", "Shuffled", 80.0, 1, "down"), paper.Number("Accuracy", "Another", 1.0, 1, "down")]
    lines = paper.shown(paper.twin("table1", ours)).splitlines()
    cells = [part.strip() for part in lines[4].strip("|").split("|")]
    assert cells == ["Accuracy", "Shuffled", "80.0", "86.2", "-6.2", "yes"]
    assert lines[-1] == "1 of 1 arrows are the paper's."
    assert len(lines) == 7
    assert paper.shown(paper.twin("table1", ours[1:])) == ""


def test_a_set_may_stand_for_one_of_the_papers(tmp_path, gathered):
    cells = dict(gathered("table2", *pair) for pair in (("small", "small"), ("small", "big")))
    description = Job("table2", "table2", {"paper": {"small": "Sketch", "big": "ImageNet"}}, cells).description
    file = tmp_path / "results/tables/table2.csv"
    table2(description, file)
    twin = pd.read_csv(file.with_suffix(".paper.csv")).set_index(["row", "column"])
    assert twin.loc[("Sketch", "ImageNet"), ["ours", "paper"]].tolist() == [50, 67.1]
