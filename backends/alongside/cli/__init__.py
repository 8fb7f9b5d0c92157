"""``alongside``: the service's actions as commands, for terminals and scripts.

Exit status: 0 when it worked, 1 when it did not, 2 when the command line was wrong. With
``--json`` results are JSON on standard output and errors problem details on standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from alongside.cli.arguments import make_parser
from alongside.errors import AlongsideError, InvalidFields

FAILED = 1
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = make_parser()
    given = parser.parse_args(arguments)
    try:
        added = getattr(given, "run", None)
        status = added(given) if added is not None else _run(given.command, given)
        sys.stdout.flush()
    except AlongsideError as error:
        tell(error, given.json)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `alongside logs ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _run(command: str, given: object) -> int:
    if command == "doctor":
        from alongside.cli import doctor

        return doctor.run(given)
    from alongside.cli import commands

    return commands.run(command, given)


def tell(error: AlongsideError, as_json: bool) -> None:
    """Print what went wrong, and what to do, on standard error."""
    if as_json:
        print(json.dumps(error.problem()), file=sys.stderr)
        return
    for one in error.errors if isinstance(error, InvalidFields) else (error,):
        print(f"alongside: {one.message}", file=sys.stderr)
        if one.remedy:
            print(one.remedy, file=sys.stderr)
