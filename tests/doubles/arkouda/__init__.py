"""The Arkouda server and client that the tests use where there is no real one.

See README.md for what is imitated. With ``ALONGSIDE_ARKOUDA_SERVER=/path/to/arkouda_server`` in
the environment of the tests, `server` returns that one instead.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
CLIENT = HERE / "client"
"""The folder to put on ``sys.path`` so that ``import arkouda`` is the double of the client."""

WRAPPER = """#!{python} -I
import sys
sys.path.insert(0, {here!r})
from double.launch import main
sys.exit(main(sys.argv, age={age!r}))
"""


def real() -> Path | None:
    """The real server that the tests are to use, if they were given one."""
    path = os.environ.get("ALONGSIDE_ARKOUDA_SERVER", "")
    return Path(path) if path else None


def server(directory: Path, *, age: str = "2021") -> Path:
    """The path of an executable ``arkouda_server`` of this age (``"2021"``, ``"2026"``).

    The double is written into `directory`, with the ``_real`` program that its launcher starts.
    """
    given = real()
    if given is not None:
        return given
    directory.mkdir(parents=True, exist_ok=True)
    text = WRAPPER.format(python=sys.executable, here=str(HERE), age=age)
    for name in ("arkouda_server_real", "arkouda_server"):
        path = directory / name
        path.write_text(text)
        path.chmod(0o755)
    return directory / "arkouda_server"
