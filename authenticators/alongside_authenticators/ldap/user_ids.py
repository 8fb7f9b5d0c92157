"""Numbers of users, and those that can be nobody's."""

from __future__ import annotations

#: The largest of 32 bits without its last two values: -1, with which a process that should become
#: somebody else stays who it is, and -2.
LARGEST = 2**32 - 3
#: What `nobody` has everywhere, and -1 in 16 bits.
NOBODY = frozenset({65534, 65535})


def number_of(text: str) -> int | None:
    """The number that a directory's value is, None if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def can_be_a_user(text: str, lowest: int) -> bool:
    """Whether it is a number, not below `lowest`, that a user may have."""
    number = number_of(text)
    return number is not None and lowest <= number <= LARGEST and number not in NOBODY
