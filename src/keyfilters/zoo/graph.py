"""Depths in a network's graph, in time linear in its nodes and edges."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence


def longest_paths(predecessors: Sequence[Iterable[int]], sources: Iterable[int]) -> list[int | None]:
    """Nodes on the longest path from an input of the network to each node, both this node and the first counted.

    `predecessors[i]`: the nodes that node i reads. `sources`: the nodes that read an input of the network itself.
    A node that no input reaches (a constant) has None and lengthens no path; so has a node on or behind a cycle.
    """
    successors: list[list[int]] = [[] for _ in predecessors]
    waiting = [0] * len(predecessors)
    for node, before in enumerate(predecessors):
        for other in before:
            successors[other].append(node)
            waiting[node] += 1
    depths: list[int | None] = [None] * len(predecessors)
    for node in sources:
        depths[node] = 1
    ready = deque(node for node, count in enumerate(waiting) if count == 0)
    done = [False] * len(predecessors)
    while ready:
        node = ready.popleft()
        done[node] = True
        for after in successors[node]:
            if depths[node] is not None:
                depths[after] = max(depths[after] or 0, depths[node] + 1)
            waiting[after] -= 1
            if waiting[after] == 0:
                ready.append(after)
    return [depth if ended else None for depth, ended in zip(depths, done, strict=True)]


def greatest(depths: Iterable[int | None]) -> int | None:
    """The depth of the whole network: that of its deepest node."""
    return max((depth for depth in depths if depth is not None), default=None)
