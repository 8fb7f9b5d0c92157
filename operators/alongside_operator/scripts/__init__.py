"""What the containers of a group run: POSIX shell, since their image need have nothing else."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def text(name: str) -> str:
    """The script of a container: ``"locale"`` or ``"server"``."""
    folder = files(__name__)
    return "\n".join((folder / f"{part}.sh").read_text("utf-8") for part in ("begin", name))
