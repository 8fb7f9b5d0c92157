"""The wheel in an environment of its own: JupyterLab without a hub, from launch to the end."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.lab.jupyter import TOKEN, Jupyter, short_folder
from tests.lab.panel import PATIENCE
from tests.lab.visit import Visit
from tests.stack import ROOT
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.slow]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment that has the wheel; what it depends on is lent by this one.

    Lent by a path alone: what this environment links to, the checkout among it, is not seen.
    """
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    made = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(made)], check=True, timeout=120)
    own = str(made / "bin" / "python")
    install = [own, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", str(wheel)]
    subprocess.run(install, check=True, timeout=120)
    [packages] = made.glob("lib/python*/site-packages")
    lent = sysconfig.get_path("purelib")
    (packages / "lent.pth").write_text(f"{lent}\n")
    return own


@pytest.fixture
def lab_server(python: str) -> Iterator[Jupyter]:
    """JupyterLab there, as `jupyter lab` starts it; no hub, no service."""
    folder = short_folder()
    there = Path(python).parent.parent / "share" / "jupyter" / "labextensions"
    lent = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    everything = folder / "labextensions"
    everything.mkdir()
    for path in (*lent.iterdir(), *there.iterdir()):
        if not path.is_symlink():
            (everything / path.name).symlink_to(path)
    server = Jupyter(
        folder,
        {"PYTHONPATH": ""},
        (f"--LabApp.labextensions_path={everything}", "--LabApp.news_url=None"),
        base="/",
        extensions={"alongside_lab": True, "jupyterlab": True},
        python=python,
    )
    with server:
        yield server


def test_it_is_the_wheel_that_is_used(python: str) -> None:
    code = "import alongside, alongside_lab; print(alongside.__file__, alongside_lab.__file__)"
    said = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True, timeout=60, cwd="/"
    ).stdout
    prefix = str(Path(python).parent.parent)
    assert [path.startswith(prefix) for path in said.split()] == [True, True], said


@pytest.mark.shows("K13", "T130")
def test_on_a_laptop_from_launch_to_the_end(lab_server: Jupyter, visit: Visit) -> None:
    visit.window("me")
    lab = visit.tab(lab_server.url, "me").open(f"lab?token={TOKEN}").show()
    lab.launch_button.click()
    dialog = lab.dialog("Launch")
    dialog.get_by_role("spinbutton", name="Workers").fill("1")
    dialog.get_by_role("textbox", name="Memory each").fill("512 MiB")
    dialog.get_by_role("button", name="Launch").click()
    card = lab.card("dask")
    card.says("1 of 1 worker")
    notebook = lab.new_notebook()
    notebook.run(
        "from distributed import Client\n"
        "client = Client()\n"
        "print('the sum is', client.submit(sum, range(10)).result())"
    )
    notebook.says("the sum is 45")
    card.more("Stop")
    expect(card.node).to_have_count(0, timeout=PATIENCE)
    lab.launch_button.click()
    dialog = lab.dialog("Launch")
    dialog.get_by_role("textbox", name="Name").fill("left")
    dialog.get_by_role("button", name="Launch").click()
    lab.card("left").says(re.compile("(\\d) of \\1 worker"))
    visit.assert_quiet()
    lab.page.close()

    home = str(lab_server.folder)
    assert len(living(home)) > 1
    lab_server.stop()
    wait_until("nothing is left", lambda: not living(home), 60)


def living(home: str) -> list[psutil.Process]:
    """All processes of this home, whoever their parent is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == home and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
