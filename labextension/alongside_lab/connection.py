"""Whether the service answers, and if not why: a sentence, and what to do about it."""

from __future__ import annotations

from alongside.errors import (
    AlongsideError,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    StorageFailed,
    Unavailable,
)

Problem = dict[str, str]
"""`title`, `detail` and `remedy`, for people."""

_RESTART = "Restart the session: stop it on the hub's page and start it again."


class NoService(Unavailable):
    """There can be no service in this Jupyter server."""


def problem_of(error: AlongsideError) -> Problem:
    """What to show while this error keeps the service from being reached."""
    remedy = error.remedy
    if isinstance(error, NotAuthenticated):
        title, remedy = "The session's token is no longer valid", _RESTART
    elif isinstance(error, NotAllowed):
        title, remedy = "The session may not use Alongside", remedy or _RESTART
    elif isinstance(error, InvalidRequest):
        title = "Alongside is not set up here"
    elif isinstance(error, NoService | StorageFailed):
        title = "No clusters on this machine"
    else:
        title = "No connection to Alongside"
    return {"title": title, "detail": error.message, "remedy": remedy}
