"""What is analysed again when a study gets one more network, from dry plans; its artifacts are stubs."""

import shutil

import pytest
import yaml

from keyfilters.store import records
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import configuration
from tests.helpers.tiny_study import PARTS, PROJECT, Study

NETWORKS = 12


@pytest.fixture
def study(tmp_path) -> Study:
    """A study whose base models are its zoo, all but the last of them, as if all was made."""
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    config = configuration(1, NETWORKS + 1)
    of_tiny = config["studies"]["tiny"]
    of_tiny["tables"] = {"table7": {}}
    of_tiny["zoo"] = {"trained": [f"set{number:02}" for number in range(NETWORKS)]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return Study(tmp_path)


def make(study: Study) -> None:
    """Empty files for everything that its config.yaml names."""
    planned = check(yaml.safe_load((study.folder / "config.yaml").read_text())).current
    for job in jobs.keyed(planned).values():
        manifest = study.artifacts / job.folder / "manifest.json"
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.touch()
    for name, job in jobs.filterdb(planned).items():
        records.record(study.results / f"filterdb/{name}/tables.json", job.key, {})


def plan(study: Study, **analysis) -> dict[str, int]:
    """The planned jobs of `filterdb` after its section `analysis` was changed."""
    study.configure(lambda of_tiny: of_tiny["analysis"].update(analysis))
    return study.plan("filterdb")


def one_more(of_tiny) -> None:
    of_tiny["zoo"]["trained"].append(f"set{NETWORKS:02}")


def test_one_more_network_is_analysed_alone_where_the_basis_is_fixed(study):
    study.configure(lambda of_tiny: of_tiny["analysis"].update(basis_of=["set00-seed0", "set01-seed0"]))
    make(study)
    assert plan(study) == {}
    study.configure(one_more)
    expected = {"extract": 1, "moments": 1, "histograms": 1, "layers": 1, "filterdb_set": 1, "filterdb": 1}
    assert plan(study) == expected


def test_one_more_network_changes_every_histogram_where_all_define_the_basis(study):
    make(study)
    study.configure(one_more)
    every = {"histograms": NETWORKS + 1, "basis": 1}
    one = {"extract": 1, "moments": 1, "layers": 1, "filterdb_set": 1, "filterdb": 1}
    assert plan(study) == every | one


def test_a_changed_setting_reaches_what_it_decides(study):
    make(study)
    tables = {"filterdb_set": 1, "filterdb": 1}
    assert plan(study, sparse_above=0.4) == plan(study, floor="density") == tables
    assert plan(study, bins=60) == tables | {"basis": 1, "histograms": NETWORKS}
    sparse = {"moments": NETWORKS, "basis": 1, "histograms": NETWORKS, "layers": 1}
    assert plan(study, sparse_share=0.02) == tables | sparse
