"""How an attempt fails: a sentence, a remedy, and the exit code."""

from __future__ import annotations

from alongside.errors import AlongsideError
from alongside_workflows.task import FAILED

LONGEST = 500
"""Characters of what others say (the text of an exception, for instance) in a message of ours."""


class StepFailed(AlongsideError):
    """The attempt has failed; `exit_code` is one of those in `alongside_workflows.task`."""

    code = "step-failed"

    def __init__(self, message: str, remedy: str = "", exit_code: int = FAILED) -> None:
        super().__init__(message, remedy)
        self.exit_code = exit_code


def quoted(text: str, longest: int = LONGEST) -> str:
    """What somebody else says, fit for a sentence: one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]}…"


def cause(error: BaseException) -> str:
    """An exception, fit for a sentence."""
    if isinstance(error, OSError) and error.strerror:
        return quoted(error.strerror)
    return quoted(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
