"""The token of the server and the folder that it lies in."""

from __future__ import annotations

import os
import secrets
import string
from pathlib import Path

from .ages import Age
from .options import Halt

LENGTH = 31


def folder() -> Path:
    """``.arkouda`` in the working directory, made if need be; raises Halt where it can't be."""
    path = Path.cwd() / ".arkouda"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Halt(
            f"uncaught {type(error).__name__}: {error.strerror} (in mkdir with path '{path}')"
        ) from error
    return path


def token(path: Path, age: Age) -> str:
    """The last line of the file; where there is none, a new one that is then in the file."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = lines[-1].strip() if lines else ""
    if found:
        return found
    made = os.environ.get("ARKOUDA_SERVER_TOKEN", "") if age.token_variable else ""
    if not made:
        letters = string.ascii_letters + string.digits
        made = "".join(secrets.choice(letters) for _ in range(LENGTH))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(made + "\n")
    return made
