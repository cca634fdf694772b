"""Cells and tables: the numbers, the paper's arrows, and what is printed with them."""

import json

import pandas as pd
import pytest
from PIL import Image

from keyfilters.errors import KeyfiltersError
from keyfilters.results.drawing import palette
from keyfilters.results.drawing.arrows import arrow
from keyfilters.results.drawing.paper import numbers
from keyfilters.results.master_key.table2 import table2
from keyfilters.results.master_key.table7 import table7
from keyfilters.store import records
from keyfilters.store.identity import Job
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import configuration

ACCURACY = {
    ("big", "big"): (0.800, 0.820),
    ("big", "middle"): (0.800, 0.818),
    ("big", "small"): (0.800, 0.816),
    ("small", "big"): (0.700, 0.900),
    ("small", "middle"): (0.500, 0.500),
    ("small", "small"): (0.600, 0.600),
}


@pytest.fixture
def rendered(tmp_path, gathered):
    """Table 2 of two targets and three sources."""
    inputs = dict(gathered("table2", *pair, accuracies=accuracies) for pair, accuracies in ACCURACY.items())
    job = Job("table2", "table2", {}, inputs)
    table2(job.description, tmp_path / "results/tables/table2.csv")
    return job, tmp_path / "results/tables"


def test_a_cell_is_mean_and_deviation_in_percent(tmp_path, gathered):
    gathered("table2", "small", "big", accuracies=(0.7, 0.8, 0.9))
    record = json.loads((tmp_path / "results/cells/table2/small--big.json").read_text())
    assert record["mean"] == pytest.approx(80)
    assert record["spread"] == pytest.approx(10)
    assert record["n"] == 3
    assert [run["seed"] for run in record["runs"]] == [0, 1, 2]


def test_one_seed_has_no_deviation(tmp_path, gathered):
    gathered("table7", "small")
    record = json.loads((tmp_path / "results/cells/table7/small.json").read_text())
    assert (record["mean"], record["spread"], record["n"]) == (50, None, 1)


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0.1, "up"), (80.3 - 80.2, "up"), (0.099, "same"), (0, "same"), (-0.099, "same"), (-0.1, "down"), (-9, "down")],
)
def test_arrows_begin_at_a_tenth_of_a_point(difference, expected):
    assert arrow(difference) == expected


def test_table2_compares_with_the_rows_selffer(rendered):
    _, tables = rendered
    frame = pd.read_csv(tables / "table2.csv").set_index(["target", "source"])
    assert frame["direction"].fillna("").to_dict() == {
        ("big", "big"): "",
        ("big", "middle"): "down",
        ("big", "small"): "down",
        ("small", "big"): "up",
        ("small", "middle"): "down",
        ("small", "small"): "",
    }
    assert frame.loc[("big", "middle"), "difference"] == pytest.approx(-0.1)
    assert frame.loc[("big", "middle"), "compared_with"] == "selffer"
    assert frame.loc[("small", "big"), "mean"] == pytest.approx(80)
    assert (frame["n"] == 2).all()


def test_rows_and_columns_descend_by_training_images(rendered):
    lines = (rendered[1] / "table2.md").read_text().splitlines()
    head, *body = [[part.strip() for part in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    assert head == ["Target \\ Source", "The big set", "The middle set", "The small set"]
    assert body[1] == ["The big set", "81.0 ± 1.4", "↓80.9 ± 1.3", "↓80.8 ± 1.1"]
    assert body[2] == ["The small set", "↑80.0 ± 14.1", "↓50.0 ± 0.0", "60.0 ± 0.0"]


def test_a_table_says_what_it_rests_on(rendered):
    text = (rendered[1] / "table2.md").read_text()
    for part in ("12 trainings", "n = 2 a cell (seeds 0, 1)", "the bias", "is trained"):
        assert part in text


def test_the_record_says_which_cell_each_number_is_of(rendered):
    record = json.loads((rendered[1] / "table2.json").read_text())
    assert record["shown"]["columns"] == ["Target \\ Source", "The big set", "The middle set", "The small set"]
    assert record["shown"]["rows"][1] == ["The small set", "↑80.0 ± 14.1", "↓50.0 ± 0.0", "60.0 ± 0.0"]
    assert record["cells"][1] == ["table2/small--big", "table2/small--middle", "table2/small--small"]
    assert record["paper"] == {}


def test_the_record_has_the_papers_numbers_by_cell(tmp_path, gathered):
    inputs = dict([gathered("table7", "small"), gathered("table7", "big")])
    job = Job("table7", "table7", {"paper": {"small": "STL-10"}}, inputs)
    table7(job.description, tmp_path / "results/tables/table7.csv")
    record = json.loads((tmp_path / "results/tables/table7.json").read_text())
    assert record["cells"][0] == ["table7/big", "table7/small"]
    assert set(record["cells"][1]) == {None}
    assert record["paper"] == {"table7/small": numbers("table7")["Accuracy", "STL-10"]}


GREEN, RED = (tuple(bytes.fromhex(colour[1:])) for colour in (palette.ABOVE, palette.BELOW))


def row_of_small(tmp_path, gathered, seeds, base=None):
    """Table 2 of one target, with so many seeds of each accuracy: its row, its CSV, the colours of its image."""
    inputs = dict(
        gathered("table2", "small", source, (accuracy,) * seeds)
        for source, accuracy in (("big", 1.0), ("middle", 0.3), ("small", 0.2))
    )
    if base is not None:
        inputs |= dict([gathered("table7", "small", None, (base,) * seeds)])
    table2(Job("table2", "table2", {}, inputs).description, tmp_path / "results/tables/table2.csv")
    with Image.open(tmp_path / "results/tables/table2.png") as image:
        colours = {colour for count, colour in image.convert("RGB").getcolors(1 << 24) if count > 100}
    row = json.loads((tmp_path / "results/tables/table2.json").read_text())["shown"]["rows"][0]
    return row[1:], pd.read_csv(tmp_path / "results/tables/table2.csv").set_index("source"), colours


def test_marks_are_filled_and_coloured_where_the_interval_excludes_zero(tmp_path, gathered):
    row, frame, colours = row_of_small(tmp_path, gathered, seeds=2)
    assert row == ["▲100.0 ± 0.0", "↑30.0 ± 0.0", "20.0 ± 0.0"]  # 8 of 10 images more, one, and the selffer
    assert frame["excludes_zero"].tolist() == [True, False, False]
    assert frame.loc["middle", "low"] < 0 < frame.loc["middle", "high"]
    assert colours & {GREEN, RED} == {GREEN}


def test_with_one_seed_nothing_is_coloured(tmp_path, gathered):
    row, frame, colours = row_of_small(tmp_path, gathered, seeds=1, base=1.0)
    assert row == ["↑100.0", "↑30.0", "20.0"]
    assert not frame["excludes_zero"].any()
    assert frame["low"].isna().all()
    assert not colours & {GREEN, RED}


def test_table2s_diagonal_is_compared_with_the_base_model_of_table7(tmp_path, gathered):
    row, frame, colours = row_of_small(tmp_path, gathered, seeds=2, base=1.0)
    assert row[2] == "20.0 ± 0.0"
    assert frame.loc["small", ["compared_with", "direction", "excludes_zero"]].tolist() == ["base", "down", True]
    assert frame.loc["small", "difference"] == pytest.approx(-80)
    assert frame.loc["big", "compared_with"] == "selffer"
    assert RED in colours
    assert "with the base model of Table 7: our reading" in (tmp_path / "results/tables/table2.md").read_text()


def test_the_declaration_reads_table7_where_the_study_makes_it():
    config = configuration(2, 3)
    cells = jobs.tables(check(config).current)["table2"].inputs
    assert {name for name in cells if not name.startswith("table2/")} == {"table7/set00", "table7/set01"}
    assert cells["table7/set00"].key == jobs.cells(check(config).current)["table7/set00"].key
    del config["studies"]["tiny"]["tables"]["table7"]
    assert all(name.startswith("table2/") for name in jobs.tables(check(config).current)["table2"].inputs)


def test_rendering_again_gives_the_same_bytes(rendered):
    job, tables = rendered
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    table2(job.description, tables / "table2.csv")
    assert {path.name: path.read_bytes() for path in tables.iterdir()} == before


def test_table7_has_sizes_and_chance(tmp_path, gathered):
    inputs = dict(gathered("table7", name, accuracies=(0.5, 0.6)) for name in ("small", "big"))
    table7(Job("table7", "table7", {}, inputs).description, tmp_path / "results/tables/table7.csv")
    frame = pd.read_csv(tmp_path / "results/tables/table7.csv")
    assert frame["dataset"].tolist() == ["big", "small"]
    assert frame["mean"].tolist() == pytest.approx([55, 55])
    assert frame["chance"].tolist() == pytest.approx([25, 25])
    assert frame["train"].tolist() == [900, 20]


def test_table7_has_a_row_for_each_of_many_sets(tmp_path, gathered, monkeypatch):
    monkeypatch.setattr("keyfilters.results.master_key.table7.ACROSS", 1)
    inputs = dict(gathered("table7", name) for name in ("small", "big"))
    table7(Job("table7", "table7", {}, inputs).description, tmp_path / "results/tables/table7.csv")
    record = json.loads((tmp_path / "results/tables/table7.json").read_text())
    assert record["shown"]["columns"][:2] == ["Dataset", "Accuracy (%)"]
    assert [row[:2] for row in record["shown"]["rows"]] == [["The big set", "50.0"], ["The small set", "50.0"]]
    assert [row[0] for row in record["cells"]] == ["table7/big", "table7/small"]


@pytest.mark.fault(
    "cell", "a cell that was gathered with other settings", "its table is not rendered; one line names the cell"
)
def test_a_cell_of_other_settings_is_refused(tmp_path, gathered):
    name, job = gathered("table7", "small")
    other = Job("cell", "small", {"choices": {"bias": "copied"}}, job.inputs)
    table = Job("table7", "table7", {}, {name: other})
    with pytest.raises(KeyfiltersError, match=r"table7/small\.json: made from other settings"):
        table7(table.description, tmp_path / "results/tables/table7.csv")


@pytest.mark.fault("cell", "a cell that is missing", "its table is not rendered; one line names the cell")
def test_a_missing_cell_is_named(tmp_path):
    table = Job("table7", "table7", {}, {"table7/small": Job("cell", "small", {})})
    with pytest.raises(KeyfiltersError, match=r"cells/table7/small\.json: no readable cell"):
        table7(table.description, tmp_path / "results/tables/table7.csv")


def test_a_record_fits_one_key_and_unchanged_files(tmp_path):
    file, record = tmp_path / "table.csv", tmp_path / "table.json"
    file.write_text("1,2\n")
    records.record(record, "abc", {}, [file])
    assert records.is_fresh(record, "abc")
    assert not records.is_fresh(record, "abd")
    file.write_text("1,3\n")
    assert not records.is_fresh(record, "abc")
    file.unlink()
    assert not records.is_fresh(record, "abc")
    record.write_text("{")
    assert not records.is_fresh(record, "abc")
