"""What was used once, as long as it could be used again."""

from __future__ import annotations

import heapq
import time

from alongside_authenticators.refusals import Refused

LIMIT = 200_000
"""Words that are remembered at once, about 40 MiB. Only who can sign makes any."""


class Used:
    """Words that have been used, in memory.

    A hub that was started anew has forgotten them, so it takes nothing that was signed before.
    """

    def __init__(self, started: float | None = None) -> None:
        self._started = int(time.time() if started is None else started)
        self._words: set[str] = set()
        self._ends: list[tuple[float, str]] = []

    def once(self, word: str, signed: float, ends: float) -> None:
        """Remember a word until it `ends` (seconds since 1970). Refused if it was used before."""
        now = time.time()
        while self._ends and self._ends[0][0] < now:
            self._words.discard(heapq.heappop(self._ends)[1])
        if signed < self._started:
            raise Refused(
                401,
                "SignedBeforeStart",
                "The portal's assertion is older than this hub, which was started a moment ago. "
                "Go to the portal and come back.",
            )
        if word in self._words:
            raise Refused(
                401,
                "Replayed",
                "The portal's assertion was used before. Go to the portal and come back.",
            )
        if len(self._words) >= LIMIT:
            raise Refused(
                503, "TooMany", "Too many people are signing in at once. Try again in a minute."
            )
        self._words.add(word)
        heapq.heappush(self._ends, (ends, word))
