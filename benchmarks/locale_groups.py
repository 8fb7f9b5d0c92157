"""From the request to an Arkouda server that answers: ours, and the server started by hand.

The server is the double of the tests unless ALONGSIDE_ARKOUDA_SERVER names a real one; what is
measured is what comes on top of its own start. ``python -m benchmarks.locale_groups`` measures it
alone.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

import alongside
from alongside.errors import NotReady
from alongside.kinds.arkouda import flags, keeper
from alongside.kinds.arkouda.messages import ask
from alongside.kinds.arkouda.options import ArkoudaOptions
from benchmarks.measure import HEAD, Row, alternate, clock, median
from tests.doubles.arkouda import server
from tests.stack import Stack, free_port

LOCALES = 2
ON_TOP = 0.3  # seconds that ours may take longer than the server alone
GROUPS = 4  # as many as the quota of `make run` grants


@contextmanager
def plain(program: Path, folder: Path) -> Iterator[str]:
    """The server alone, started by hand; its address."""
    keeper.prepare(folder, b"token")
    port = free_port()
    options = ArkoudaOptions(locales=LOCALES)
    process = subprocess.Popen(
        [str(program), *flags.arguments(options, port)],
        cwd=folder / "server",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), process]
        for member in family:
            member.kill()
        process.wait(10)


def answers(address: str, token: str) -> None:
    """Return once it does."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if ask(address, token, "ruok", timeout=1.0).good:
                return
        except NotReady:
            time.sleep(0.002)
    raise TimeoutError(address)


def measure(rounds: int) -> list[Row]:
    """One group, and ten at once."""
    ours: list[float] = []
    alone: list[float] = []
    many: list[float] = []
    with tempfile.TemporaryDirectory(prefix="al-") as directory:
        place = Path(directory)
        program = server(place / "arkouda", age="2026")
        with (
            Stack(place / "home", environment={keeper.VARIABLE: str(program)}) as stack,
            alongside.Client(
                url=f"{stack.url}/services/alongside/api/v1", token=stack.token("ada")
            ) as client,
        ):

            def launch(name: str, wait: bool = True) -> alongside.BackendHandle:
                wish: dict[str, Any] = {"profile": "arkouda", "name": name, "locales": LOCALES}
                return client.launch("arkouda", session=None, wait=wait, **wish)

            def with_us() -> None:
                with clock(ours):
                    group = launch("one")
                    connection = group.connection()
                    answers(connection.address, connection.credentials["token"])
                group.stop(wait=True)

            def by_hand() -> None:
                (place / "run").mkdir(exist_ok=True)
                with clock(alone), plain(program, place / "run") as address:
                    answers(address, "token")

            alternate(rounds, with_us, by_hand)
            with clock(many):
                groups = [launch(f"group-{n}", wait=False) for n in range(GROUPS)]
                for group in groups:
                    group.wait()
            for group in groups:
                group.stop(wait=True)
    budget = median(alone) + ON_TOP
    return [
        Row("request → Arkouda answers", median(ours), "server alone + 0.3 s", budget, 1.0),
        Row(f"request → {GROUPS} Arkouda groups answer", many[0], "", 0.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds a measurement (median)")
    print("\n".join([HEAD, *(row.markdown() for row in measure(parser.parse_args().rounds))]))


if __name__ == "__main__":
    main()
