"""The panel in a real Chromium: how soon a change is seen, how large and how smooth it is.

``python -m benchmarks.panel`` measures it alone.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.measure import HEAD, Row, quiet
from tests.chromium import chromium
from tests.lab.crowd import Crowd, crowd, lab_server
from tests.lab.jupyter import TOKEN, Jupyter
from tests.lab.panel import PATIENCE, RESTORED, Lab
from tests.stack import ROOT

BUNDLE = ROOT / "labextension" / "alongside_lab" / "labextension" / "static"
MANY = 200
CHANGES = 40

WATCH = """id => {
    const card = document.querySelector(`[data-backend="${id}"]`);
    window.seen = {};
    new MutationObserver(() => {
        const text = card.textContent;
        const number = /(\\d+) of \\d+ workers?/.exec(text)?.[1];
        if (number && !(number in window.seen)) {
            window.seen[number] = 0;
            requestAnimationFrame(() => { window.seen[number] = Date.now(); });
        }
    }).observe(card, {subtree: true, childList: true, characterData: true});
}"""

FRAMES = """async seconds => {
    const panel = document.querySelector('#alongside-panel .alongside-Panel');
    let scroller = panel;
    while (scroller.scrollHeight <= scroller.clientHeight) scroller = scroller.parentElement;
    const gaps = [];
    const end = performance.now() + seconds * 1000;
    let last = await new Promise(requestAnimationFrame);
    let step = 40;
    while (last < end) {
        scroller.scrollTop += step;
        if (scroller.scrollTop <= 0) step = 40;
        if (scroller.scrollTop >= scroller.scrollHeight - scroller.clientHeight - 1) step = -40;
        const now = await new Promise(requestAnimationFrame);
        gaps.push(now - last);
        last = now;
    }
    return gaps;
}"""


def sizes() -> list[Row]:
    """What JupyterLab loads of ours, compressed: when it starts, and in all."""
    packed = {p.name: len(gzip.compress(p.read_bytes(), 9)) for p in BUNDLE.glob("*.js")}
    whole = sum(packed.values()) / 1000
    return [Row("bundle of the JupyterLab extension, gzipped", whole, "limit", 250, 1.0, "kB")]


@contextmanager
def lab_of(server: Jupyter, browser: Browser) -> Iterator[Lab]:
    """Its JupyterLab, with the panel shown."""
    with server, browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        yield Lab(page, server.url).open(f"lab?token={TOKEN}").show()


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def delays(it: Crowd, page: Page, ids: list[str]) -> list[float]:
    """Seconds from a change on the platform until the frame in which the panel shows it."""
    id = ids[0]
    page.evaluate(WATCH, id)
    told = {}
    for number in range(1, CHANGES + 1):
        told[number] = time.time()
        it.become(id, ready=100 + number, wanted=200)
        page.wait_for_function("n => window.seen[n] > 0", arg=100 + number, polling=50)
        time.sleep(0.05)  # changes come one by one, not in a burst
    seen = page.evaluate("window.seen")
    return [seen[str(100 + number)] / 1000 - since for number, since in told.items()]


def frames(it: Crowd, page: Page, ids: list[str], seconds: float, updates: bool) -> list[float]:
    """Milliseconds between frames while the list is scrolled."""
    stop = threading.Event()

    def change() -> None:
        turn = 0
        while not stop.wait(0.05):
            turn += 1
            it.become(ids[turn % len(ids)], ready=turn % 7, wanted=7)

    thread = threading.Thread(target=change)
    if updates:
        thread.start()
    try:
        found: list[float] = page.evaluate(FRAMES, seconds)
    finally:
        stop.set()
        if updates:
            thread.join()
    return found


def live(browser: Browser) -> list[Row]:
    """With many backends: the delay, and the frames."""
    rows = []
    with crowd() as it:
        one = it.launch(1)
        with lab_of(lab_server(it), browser) as lab:
            quiet()
            seen = delays(it, lab.page, one)
            what = f"change on the platform → on screen, p95 of {CHANGES}"
            rows.append(Row(what, 1000 * p95(seen), "limit", 300, 1.0, "ms"))
            ids = one + it.launch(MANY - 1)
            lab.page.get_by_role("article").nth(MANY - 1).wait_for(state="attached")
            quiet()
            seen = delays(it, lab.page, ids[1:])
            what = f"the same with {MANY} backends in the panel"
            rows.append(Row(what, 1000 * p95(seen), "limit", 300, 1.0, "ms"))
            quiet()
            still = frames(it, lab.page, ids, 6, updates=False)
            moving = frames(it, lab.page, ids, 6, updates=True)
            what = f"{MANY} backends scrolled, 20 changes a second: p95 between frames"
            rows.append(Row(what, p95(moving), "without changes", p95(still), 0.0, "ms"))
            dropped = 100 * sum(gap > 34 for gap in moving) / len(moving)
            same = 100 * sum(gap > 34 for gap in still) / len(still)
            what = f"{MANY} backends scrolled, 20 changes a second: frames later than 34 ms"
            rows.append(Row(what, dropped, "without changes", same, 0.0, "%"))
    return rows


def starts(browser: Browser, rounds: int) -> list[Row]:
    """JupyterLab until it is there, with and without the extension, in turn."""
    times: dict[bool, list[float]] = {True: [], False: []}
    with crowd() as it, lab_server(it) as ours, lab_server(extension=False) as plain:
        for _ in range(rounds + 1):
            for extension, server in ((True, ours), (False, plain)):
                quiet()
                times[extension].append(start(browser, server))
    what = "JupyterLab loaded and restored, with the extension"
    mine, peer = (statistics.median(times[which][1:]) for which in (True, False))
    print(json.dumps({str(k): [round(t, 2) for t in v] for k, v in times.items()}))
    return [Row(what, mine, "without", peer, 1.03)]


def start(browser: Browser, server: Jupyter) -> float:
    """Seconds from the first request until all that was open is there again."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.add_init_script(RESTORED)
        page.goto(f"{server.url}api/status?token={TOKEN}")
        begun = time.perf_counter()
        page.goto(f"{server.url}lab?reset", wait_until="commit")
        page.get_by_role("tab", name="Launcher").wait_for(timeout=PATIENCE)
        page.wait_for_function("'restored' in document.documentElement.dataset")
        return time.perf_counter() - begun


def measure(rounds: int) -> list[Row]:
    """All rows."""
    with chromium() as browser:
        return sizes() + live(browser) + starts(browser, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    table = "\n".join([HEAD, *(row.markdown() for row in measure(options.rounds))])
    print(table)
    if options.write:
        options.write.write_text(table + "\n")


if __name__ == "__main__":
    main()
