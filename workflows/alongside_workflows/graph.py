"""Which step comes after which. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


class Graph:
    """A directed graph: each node with the nodes that come before it. Unknown ones are left out."""

    def __init__(self, before: Mapping[str, Sequence[str]]) -> None:
        self.before = {
            node: tuple(other for other in others if other in before)
            for node, others in before.items()
        }
        after: dict[str, list[str]] = {node: [] for node in self.before}
        for node, others in self.before.items():
            for other in others:
                after[other].append(node)
        self.after = {node: tuple(others) for node, others in after.items()}

    def cycle(self) -> list[str]:
        """The nodes of a circle in order, the first one again at the end; empty: there is none."""
        try:
            TopologicalSorter(self.before).prepare()
        except CycleError as error:
            found: list[str] = list(error.args[1])
            return found
        return []

    def order(self) -> list[str]:
        """All nodes, each after those that come before it. Raises graphlib.CycleError."""
        return list(TopologicalSorter(self.before).static_order())

    def ready(self, done: Collection[str], begun: Collection[str]) -> Iterator[str]:
        """The nodes that can begin: all before them are done, and they have not begun."""
        for node, others in self.before.items():
            if node not in begun and all(other in done for other in others):
                yield node

    def below(self, *nodes: str) -> set[str]:
        """All that comes after any of these, directly or not; these themselves left out."""
        found: set[str] = set()
        left = list(nodes)
        while left:
            for node in self.after[left.pop()]:
                if node not in found:
                    found.add(node)
                    left.append(node)
        return found
