"""When members are started again and how many there should be. Pure: the moment is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from alongside.kinds.base import Role

SHRINKING = 300.0
"""Seconds in which data is moved away from members that leave."""
AGAIN = 5.0
"""Seconds until members that could not be let go are asked again."""
STILL_NEEDED = "their data or work is still needed and does not fit elsewhere"
"""Why they could not."""
_WINDOW = 120.0  # seconds
_FREE = 3
_SLOWEST = 10.0
_STEADY = 5.0


def aims(roles: Sequence[Role], wanted: int | None) -> dict[str, int]:
    """How many there are to be of each role of members; only the first one's number varies.

    `wanted`: of all of them, None while that is not known: as many as the roles say.
    """
    members = [role for role in roles if role.members]
    found = {role.name: role.count for role in members}
    if members and wanted is not None:
        others = sum(role.count for role in members[1:])
        found[members[0].name] = max(0, wanted - others)
    return found


class Restarts:
    """Plans the restart of members: at once the first time, then with growing pauses, up to an end.

    All moments are monotonic seconds.
    """

    def __init__(self) -> None:
        self._crashes: deque[tuple[float, str]] = deque()
        self._planned: dict[str, float] = {}

    def names(self) -> frozenset[str]:
        return frozenset(self._planned)

    def due(self) -> list[float]:
        return list(self._planned.values())

    def plan(self, name: str, moment: float, members: int, *, proven: bool = True) -> bool:
        """Plan a restart; False when there have been too many for this number of members.

        There is less patience while not one member has ever been ready (not `proven`).
        """
        while self._crashes and moment - self._crashes[0][0] > _WINDOW:
            self._crashes.popleft()
        before = sum(1 for _, who in self._crashes if who == name)
        self._crashes.append((moment, name))
        if len(self._crashes) > (_FREE + 2 * members if proven else 1 + members):
            return False
        self._planned[name] = moment + (min(0.5 * 2.0**before, _SLOWEST) if before else 0.0)
        return True

    def take(self, moment: float) -> list[str]:
        """The names that are to be started now."""
        due = [name for name, at in self._planned.items() if at <= moment]
        for name in due:
            del self._planned[name]
        return due


class Appetite:
    """How many members an adaptive backend gets: more at once, fewer only when that lasts."""

    def __init__(self) -> None:
        self._lower_since: float | None = None
        self._highest = 0

    def reset(self) -> None:
        """Forget what has been seen."""
        self._lower_since = None

    def follow(self, wanted: int, target: int, moment: float) -> int:
        """The number wanted from now on, given the one before and what would do at this moment.

        It falls only after the target has been lower for some seconds, and then to the highest
        target seen in that time.
        """
        if target >= wanted:
            self._lower_since = None
            return target
        if self._lower_since is None:
            self._lower_since, self._highest = moment, target
        self._highest = max(self._highest, target)
        if moment - self._lower_since < _STEADY:
            return wanted
        self._lower_since = None
        return self._highest
