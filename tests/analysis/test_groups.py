"""Groups of layers: which there are, and which are too small."""

import numpy as np
import pandas as pd

from keyfilters.analysis.groups import DECILE_NAMES, clusters, gather, merged_tasks
from keyfilters.config.analysis import FilterSet


def test_all_kinds_of_segmentation_are_one_task():
    tasks = pd.Series(["Segmentation", "people segmentation", "classification", None], dtype="str")
    merged = merged_tasks(tasks)
    assert merged[:3].tolist() == ["segmentation", "segmentation", "classification"]
    assert merged.isna().tolist() == [False, False, False, True]


def test_the_first_decile_has_both_ends():
    assert DECILE_NAMES[0] == "[0.0, 0.1]"
    assert DECILE_NAMES[1] == "(0.1, 0.2]"
    assert DECILE_NAMES[-1] == "(0.9, 1.0]"


def test_groups_that_are_too_small_are_named_with_their_sizes():
    layers = pd.DataFrame({"model": ["a", "a", "b", "c"], "cluster": [0, 0, 0, 1], "filters": [3, 4, 2, 9]})
    labels = pd.Series(["x", "x", "y", None])
    counts = np.arange(4)[:, None, None] + np.ones((4, 2, 5), np.int64)
    groups = gather(layers, labels, counts, FilterSet(min_filters=5))
    assert groups.table.to_dict("records") == [{"group": "x", "models": 1, "clusters": 1, "filters": 7}]
    assert groups.left_out.to_dict("records") == [{"group": "y", "models": 1, "clusters": 1, "filters": 2}]
    np.testing.assert_array_equal(groups.counts[0], counts[:2].sum(axis=0))


def test_networks_of_one_package_or_family_are_not_independent():
    models = pd.DataFrame(
        {"Package": ["p", "p", "q", None, None], "Name": ["A", "B", "B", None, "C"]}, index=["a", "b", "c", "d", "e"]
    )
    cluster_of = clusters(models)
    assert cluster_of["a"] == cluster_of["b"] == cluster_of["c"], "a and b by their package, c by its family"
    assert cluster_of[["a", "d", "e"]].nunique() == 3, "what is not known joins nobody"
