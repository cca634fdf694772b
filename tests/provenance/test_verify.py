"""Verifying names everything that is damaged, and nothing else."""

import shutil

import pytest

from keyfilters.provenance.verify import checked, verify
from keyfilters.store import records
from keyfilters.store.files import write_text


def test_what_is_whole_is_not_named(workspace):
    assert verify(workspace.root, workspace.results) == []


def test_it_is_counted_how_much_was_verified(workspace):
    root, results, keyed = workspace.root, workspace.results, workspace.keyed
    records = f"{results}: 2 records of tables and figures"
    counted = f"{root}: {len(keyed)} of the study's {len(keyed)} artifacts are here"
    assert checked(root, results, keyed) == f"{counted}; {records}"
    other = next(iter(keyed))
    assert checked(root, results, keyed.keys() - {other}).startswith(
        f"{root}: {len(keyed) - 1} of the study's {len(keyed) - 1} artifacts are here, and 1 that it does not name; "
    )
    shutil.rmtree(root)
    assert checked(root, results, keyed) == f"{root}: 0 of the study's {len(keyed)} artifacts are here; {records}"


@pytest.mark.fault("report", "files of several artifacts are damaged", "`keyfilters verify` names each")
def test_every_damaged_file_is_named(workspace):
    folders = [workspace.root / workspace.cell(f"table7/set0{number}").inputs["seed0"].folder for number in (0, 1)]
    (folders[0] / "stub").write_text("changed")
    (folders[1] / "stub").unlink()
    damaged = verify(workspace.root, workspace.results)
    assert [line.partition(": ")[0] for line in damaged] == [str(folder / "stub") for folder in folders]
    assert all("missing or damaged" in line for line in damaged)


def test_a_manifest_that_was_edited_is_named(workspace):
    manifest = workspace.root / workspace.cell("table7/set00").inputs["seed0"].folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"epochs": 2', '"epochs": 200'))
    damaged = verify(workspace.root, workspace.results)
    assert len(damaged) == 1
    assert "describes another artifact" in damaged[0]


@pytest.mark.fault("report", "a table was edited by hand", "`keyfilters verify` names it")
def test_a_table_that_was_edited_is_named(workspace):
    (workspace.results / "tables/table2.csv").write_text("better numbers\n")
    damaged = verify(workspace.root, workspace.results)
    assert len(damaged) == 1
    assert damaged[0].endswith(
        f"tables/table2: differs from its record; run `snakemake {workspace.results}/tables/table2.json`"
    )


@pytest.mark.parametrize("content", ["", "{", "{}"])
def test_a_record_that_is_cut_short_is_named(workspace, content):
    (workspace.results / "tables/table2.json").write_text(content)
    (line,) = verify(workspace.root, workspace.results)
    assert "tables/table2: differs from its record" in line


def test_a_table_of_filters_that_was_edited_is_named(workspace):
    table = workspace.results / "filterdb/regular_3x3/layers.csv"
    write_text(table, "entropy\n")
    records.record(table.with_name("tables.json"), "key", {}, [table])
    assert verify(workspace.root, workspace.results) == []
    table.write_text("less entropy\n")
    assert len(verify(workspace.root, workspace.results)) == 1


def test_what_a_killed_job_left_is_no_artifact(workspace):
    whole = workspace.root / workspace.cell("table7/set00").inputs["seed0"].folder
    for suffix in ("a1b2.partial", "replaced"):
        shutil.copytree(whole, whole.with_name(f".{whole.name}.{suffix}"))
    assert verify(workspace.root, workspace.results) == []
