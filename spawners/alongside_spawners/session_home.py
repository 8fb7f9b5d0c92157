"""The directories of a session whose home is the hub's to make."""

from __future__ import annotations

import os
from pathlib import Path

from alongside.errors import StorageFailed


def directory_in(home: str, chosen: str) -> str:
    """Where a notebook server's files are, as an absolute path: `chosen` seen from `home`.

    >>> directory_in("/srv/ada", "~/work")
    '/srv/ada/work'
    """
    if chosen == "~" or chosen.startswith("~/"):
        chosen = home + chosen[1:]
    return str(Path(home, chosen))


def prepare_home(home: str, directory: str) -> None:
    """Make the home, and see that it and the session's directory can be used.

    Raises StorageFailed.
    """
    try:
        Path(home).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(
            f"The home directory {home} can't be made: {error.strerror}.",
            "Ask an administrator for space or for access to it.",
        ) from None
    for place in (home, directory):
        if not Path(place).is_dir() or not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            raise StorageFailed(
                f"The session's directory {place} is missing or can't be written.",
                "Ask an administrator for access to it.",
            )
