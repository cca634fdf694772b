"""Settings of the figures of networks trained here: what is wrong is told in one line."""

from copy import deepcopy

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.store import identity
from keyfilters.study import jobs
from keyfilters.study.depthwise import trained
from keyfilters.study.study import check
from tests.helpers.stubs import configuration

TRAINING = {"epochs": 4, "batch_size": 8, "learning_rate": 0.1}
LOWRES = {
    "networks": {"resnet9": {"architecture": "lowres_resnet9"}},
    "datasets": ["set00"],
    "training": TRAINING,
    "reproducibility": {"dataset": "set00", "seeds": [0, 1]},
    "formation": {"network": "resnet9", "dataset": "set00", "epochs": [0, 4]},
}
SEVERAL = "no low-resolution network of several seeds"
FIGURES = {
    "filterdb_fig1": {"network": "lowres-set00-resnet9-seed0"},
    "filterdb_fig2": {"robust": ["set01-seed0"]},
    "filterdb_fig7": {},
    "filterdb_reproducibility": {},
    "depthwise_pca": {},
    "depthwise_drift": {},
    "depthwise_quality": {},
    "depthwise_patterns": {},
    "depthwise_covariance": {},
}


def config(**changes):
    """A study with all these figures; `changes` of its sections."""
    configured = deepcopy(configuration(1, 2))
    study = configured["studies"]["tiny"]
    sets = {"conv_3x3": {}, "depthwise_7x7": {"kernel": [7, 7], "kinds": ["depthwise"]}}
    study |= {"lowres": LOWRES, "zoo": {"trained": ["set00", "set01"], "lowres": True}, "analysis": {"sets": sets}}
    study["tables"] = dict(FIGURES)
    for section, change in changes.items():
        study[section] = study[section] | change
    return configured


def test_every_figure_has_the_artifacts_that_it_reads():
    study = check(config()).current
    tables = jobs.tables(study)
    assert set(tables) == set(FIGURES)
    assert {name.partition("-epoch")[2] for name in (job.name for job in tables["filterdb_fig7"].inputs.values())} == {
        *("", "000", "004")
    }
    stage_folders = {job.stage_folder for job in identity.walk([tables["filterdb_fig7"]])}
    assert {"extract_formation", "histograms_formation"} <= stage_folders
    assert "histograms/set00-resnet9-seed1" in tables["filterdb_reproducibility"].inputs
    lowres = {"lowres-set00-resnet9-seed0", "lowres-set00-resnet9-seed1"}
    assert set(trained(study)) == lowres | {"set00-seed0", "set01-seed0"}


def test_a_setting_of_figure_2_that_is_off_changes_no_key():
    keys = [
        jobs.tables(check(config(tables={"filterdb_fig2": settings})).current)["filterdb_fig2"].key
        for settings in ({}, {"by_training_set": False}, {"by_training_set": True})
    ]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("figure", "settings", "message"),
    [
        ("filterdb_fig1", {"network": "none"}, "network: no network 'none' in the study's zoo"),
        ("filterdb_fig1", {"set": "none"}, "set: no set of filters 'none'"),
        ("filterdb_fig1", {"filters": 0}, "filters: Input should be greater than 0"),
        ("filterdb_fig2", {"robust": ["none"]}, "robust: no network 'none' in the study's zoo"),
        ("filterdb_fig2", {"weights_per_picture": 0}, "weights_per_picture: Input should be greater than 0"),
        ("depthwise_pca", {"sets": ["none"]}, "set: no set of filters 'none'"),
        ("depthwise_pca", {"sets": []}, "sets: Tuple should have at least 1 item"),
        ("depthwise_patterns", {"drawn": 3}, "drawn: 3 is none of the `counts`, 1, 2, 4, 8, 16"),
        ("depthwise_covariance", {"sets": ["none"]}, "set: no set of filters 'none'"),
        ("depthwise_drift", {"set": "none"}, "set: no set of filters 'none'"),
        ("depthwise_drift", {"draws": 0}, "draws: Input should be greater than 0"),
    ],
)
def test_wrong_settings_are_told(figure, settings, message):
    with pytest.raises(KeyfiltersError, match=f"{figure}.*{message}"):
        check(config(tables={figure: settings}))


@pytest.mark.parametrize(
    ("figure", "sections", "message"),
    [
        ("filterdb_fig7", {"lowres": {"formation": None}}, "set `lowres.formation`"),
        (
            "filterdb_reproducibility",
            {"lowres": {"reproducibility": None}},
            SEVERAL,
        ),
        ("filterdb_reproducibility", {"zoo": {"lowres": False}}, SEVERAL),
        ("depthwise_drift", {"zoo": {"trained": [], "lowres": False}}, "name some in its section `zoo`"),
    ],
)
def test_what_a_figure_needs_of_its_study_is_told(figure, sections, message):
    incomplete = config(**sections)
    incomplete["studies"]["tiny"]["tables"] = {figure: {}}
    with pytest.raises(KeyfiltersError, match=f"tables.{figure}: .*{message}"):
        check(incomplete)
