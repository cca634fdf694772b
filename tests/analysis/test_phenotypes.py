"""The phenotypes of distributions of which one can say by eye which they are."""

import numpy as np
import pytest

from keyfilters.analysis.phenotypes import phenotype

EDGES = np.linspace(-2.8, 2.8, 71)
NUMBER = 50_000
RANDOM = np.random.default_rng(0)


def normal(deviation, mean=0, share=1.0):
    return RANDOM.normal(mean, deviation, int(NUMBER * share))


def value(at, share):
    return np.full(int(NUMBER * share), at)


def of(*components, zero_filter=0.0):
    counts = np.stack([np.histogram(component, EDGES)[0] for component in components])
    return phenotype(counts, EDGES, np.full(len(components), zero_filter))


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        (normal(0.9), "sun"),
        (normal(0.06), "sun"),  # as narrow as a bin
        (np.concatenate([normal(0.8, share=0.8), value(0.5, 0.1), value(-1, 0.1)]), "spikes"),
        (np.concatenate([normal(0.3, -1, 0.5), normal(0.3, 1, 0.5)]), "symbols"),
        (RANDOM.uniform(-2, 2, NUMBER), "symbols"),
        (RANDOM.gamma(1.5, 0.4, NUMBER), "symbols"),
        (normal(0.4, 1), "symbols"),
    ],
)
def test_one_component_decides(component, expected):
    assert of(component, normal(0.5)) == of(normal(0.5), component) == expected


def test_a_point_is_one_along_every_component():
    sparse = np.concatenate([value(0.01, 0.8), normal(0.7, share=0.2)])
    assert of(sparse, sparse) == "point"
    assert of(sparse, normal(0.5)) == "spikes"


def test_the_centre_is_where_sparse_filters_are():
    sparse = np.concatenate([value(0.81, 0.8), normal(0.7, 0.8, 0.2)])
    assert of(sparse, zero_filter=0.81) == "point"
    assert of(sparse, zero_filter=0) != "point"
