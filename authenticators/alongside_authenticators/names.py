"""User names and names of groups, as the hub may have them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST = 255
"""Characters: so many are stored."""

_MARKS = frozenset("._@+-")


def normal(name: str) -> str:
    """The same letters in one way of writing them, without capitals."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


def is_user_name(name: str) -> bool:
    """Whether it has letters, digits and ``. _ @ + -`` only, and begins with none of ``. + -``.

    What is between words, can't be seen, or means something in a path, an address or a command
    isn't part of a name.
    """
    if not 1 <= len(name) <= LONGEST or name[0] in ".+-":
        return False
    return all(c in _MARKS or unicodedata.category(c)[0] in "LMN" for c in name)


def group_names(words: Iterable[str]) -> list[str]:
    """Names of groups, each once. ValueError for one that can't be any."""
    found = [unicodedata.normalize("NFC", word) for word in words]
    for name in found:
        if len(name) > LONGEST or any(unicodedata.category(c)[0] == "C" for c in name):
            raise ValueError("a name of a group that can't be one")
    return list(dict.fromkeys(found))
