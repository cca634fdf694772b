"""A study's section `lowres`: the low-resolution networks of *CNN Filter DB*, which are trained for their filters."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product
from typing import Annotated

from pydantic import Field, model_validator

from keyfilters.config.base import Name, PositiveInt, Seeds, Settings
from keyfilters.config.dataset import Dataset
from keyfilters.config.model import Model
from keyfilters.config.training import Training, TrainingOverrides


class Reproducibility(Settings):
    """Networks that are trained on one set under more seeds than the others."""

    networks: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Which; all when left out."""
    dataset: Name
    """The set."""
    seeds: Seeds
    """The seeds."""


class Formation(Settings):
    """Weights of one network, trained on one set under its first seed, that are kept while it is trained."""

    network: Name
    """Which network."""
    dataset: Name
    """The set."""
    epochs: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    """After which its weights are kept; 0 is before the first."""


class LowRes(Settings):
    """The low-resolution networks: each of `networks` is trained on each of `datasets`."""

    image_size: PositiveInt = 32
    """Pixels."""
    networks: dict[Name, Model] = Field(default_factory=dict)
    """By name."""
    sets: dict[Name, Dataset] = Field(default_factory=dict)
    """Sets that the study itself does not have, so that its tables are without them."""
    datasets: tuple[Name, ...] = ()
    """The sets that the networks are trained on."""
    grey: tuple[Name, ...] = ()
    """Sets of grey images; their networks read one channel, as the published ones do."""
    seeds: Seeds = (0,)
    """Of every training."""
    training: Training | None = None
    """The recipe."""
    training_of: dict[Name, TrainingOverrides] = Field(default_factory=dict)
    """What a set's or a network's own training has otherwise."""
    reproducibility: Reproducibility | None = None
    """Networks of several seeds."""
    formation: Formation | None = None
    """The network that shows how filters form."""

    @model_validator(mode="after")
    def _names_are_known(self) -> LowRes:
        if self.networks and self.training is None:
            raise ValueError("training: networks need a recipe")
        networks, sets = tuple(self.networks), self.datasets
        _check("grey", self.grey, sets, "set")
        _check("training_of", self.training_of, (*sets, *networks), "set or network")
        if self.reproducibility:
            _check("reproducibility.networks", self.reproducibility.networks or (), networks, "network")
            _check("reproducibility.dataset", [self.reproducibility.dataset], sets, "set")
        for dataset, network in self.pairs:
            if "in_channels" in self.networks[network].arguments:
                raise ValueError(f"networks.{network}: `in_channels` follows from `grey`; leave it out")
            self.recipe(dataset, network)
        if self.formation:
            _check("formation.network", [self.formation.network], networks, "network")
            _check("formation.dataset", [self.formation.dataset], sets, "set")
            last = self.recipe(self.formation.dataset, self.formation.network).epochs
            if max(self.formation.epochs) > last:
                raise ValueError(
                    f"formation.epochs: {max(self.formation.epochs)} is more than the {last} of its training"
                )
        return self

    @property
    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every set with every network."""
        return product(self.datasets, self.networks)

    def model_of(self, dataset: str, network: str) -> Model:
        """The network as it is trained on the set."""
        model = self.networks[network]
        return model.model_copy(update={"in_channels": 1}) if dataset in self.grey else model

    def recipe(self, dataset: str, network: str) -> Training:
        """The section's training with the set's own settings laid over it, and over these the network's."""
        recipe = self.training.model_dump()
        for name in (dataset, network):
            recipe |= self.training_of.get(name, TrainingOverrides()).model_dump(exclude_none=True)
        return Training.model_validate(recipe)

    def seeds_of(self, dataset: str, network: str) -> tuple[int, ...]:
        """The seeds under which the network is trained on the set."""
        more = self.reproducibility
        repeated = more and more.dataset == dataset and network in (more.networks or self.networks)
        return more.seeds if repeated else self.seeds

    def checkpoints(self, dataset: str, network: str, seed: int) -> tuple[int, ...]:
        """The epochs after which this training's weights are kept."""
        kept = self.formation
        if kept and (kept.dataset, kept.network, self.seeds_of(dataset, network)[0]) == (dataset, network, seed):
            return kept.epochs
        return ()


def _check(field: str, names: Collection[str], known: Collection[str], kind: str) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{field}: no {kind} {name!r}, expected one of: {', '.join(known)}")
