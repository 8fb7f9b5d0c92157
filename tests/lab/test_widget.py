"""The live card in a real kernel, with the real service and real clusters."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

import alongside
from alongside.card import MIME
from alongside.endpoint import API
from tests.client.real import RealService
from tests.lab.gate import Gate
from tests.lab.jupyter import wait_for
from tests.lab.kernel import Kernel

pytestmark = pytest.mark.slow

VIEW = "application/vnd.jupyter.widget-view+json"
THREADS = """
    import threading
    print([thread.name for thread in threading.enumerate() if "alongside" in thread.name])
"""


@pytest.fixture
def kernel(service: RealService) -> Iterator[Kernel]:
    it = Kernel(service.environment)
    yield it
    it.close()
    with alongside.Client(service.url, service.token) as client:
        for backend in client.backends():
            backend.stop(wait=True)


def launched(kernel: Kernel, workers: int = 1) -> str:
    """Launch and show a backend; the id of its model."""
    kernel.run(
        f"""
        import alongside, sys
        b = alongside.launch("dask", name="etl", workers={workers}, memory="256 MiB")
        print("anywidget" in sys.modules)
        b
        """
    )
    return str(kernel.shown[-1][VIEW]["model_id"])


@pytest.mark.shows("K13", "K14")
def test_a_backend_in_a_cell_is_live_and_its_buttons_act(
    kernel: Kernel, service: RealService
) -> None:
    model = launched(kernel)
    assert kernel.printed == "False\n"  # what isn't shown costs nothing
    shown = kernel.shown[-1]
    assert set(shown) == {MIME, VIEW, "text/html", "text/plain"}
    assert "etl" in shown["text/html"]
    assert "1 of 1 ready" in shown["text/plain"]
    state = kernel.models[model]
    assert state["_esm"]
    assert state["view"]["phase"] == "running"

    with alongside.Client(service.url, service.token) as elsewhere:
        elsewhere.scale("etl", 2)
        kernel.until_state(model, lambda s: s["view"]["ready"] == 2)
        assert kernel.press(model, "scale", 1) is None
        kernel.until_state(model, lambda s: s["view"]["wanted"] == 1)
        assert elsewhere.backend("etl").state.wanted == 1
        assert kernel.press(model, "keep", True) is None
        assert elsewhere.backend("etl").state.keep

    refused = kernel.press(model, "scale", 1000)
    assert refused["detail"]
    assert refused["remedy"]
    assert kernel.press(model, "scale", "many")["detail"]
    assert kernel.press(model, "extend") is None
    assert elsewhere_needed(service)

    kernel.run("b")
    assert kernel.shown[-1][VIEW]["model_id"] == model  # shown twice, told once
    assert kernel.press(model, "stop") is None
    kernel.until_state(model, lambda s: s["view"]["phase"] == "stopped")
    wait_for(lambda: kernel.run(THREADS) == "[]\n", "no thread left")
    assert service.token not in kernel.everything
    assert "PRIVATE KEY" not in kernel.everything


def elsewhere_needed(service: RealService) -> bool:
    """Whether it was said of etl that it is still needed."""
    with alongside.Client(service.url, service.token) as client:
        return client.backend("etl").state.needed is not None


@pytest.mark.shows("K13")
def test_buttons_and_news_wait_for_no_computation(kernel: Kernel, service: RealService) -> None:
    model = launched(kernel)
    subshell = kernel.subshell()
    kernel.printed = ""
    kernel.start("import time; time.sleep(60); print('ended')")
    assert kernel.press(model, "scale", 2, subshell) is None
    kernel.until_state(model, lambda s: s["view"]["ready"] == 2)
    assert kernel.press(model, "stop", None, subshell) is None
    kernel.until_state(model, lambda s: s["view"]["phase"] == "stopped")
    assert kernel.printed == ""
    kernel.manager.interrupt_kernel()


def test_a_service_that_is_away_is_told_and_comes_back(service: RealService) -> None:
    with Gate(service.url) as gate:
        kernel = Kernel(service.environment | {API: gate.url})
        try:
            model = launched(kernel)
            gate.close()
            problem = kernel.until_state(model, lambda s: s["problem"])["problem"]
            assert problem["detail"]
            assert problem["remedy"]
            refused = kernel.press(model, "scale", 2)
            assert refused["detail"]
            with alongside.Client(service.url, service.token) as elsewhere:
                elsewhere.scale("etl", 2)
                gate.open()
                kernel.until_state(model, lambda s: not s["problem"])
                kernel.until_state(model, lambda s: s["view"]["ready"] == 2)
                elsewhere.stop("etl")
                kernel.until_state(model, lambda s: s["view"]["phase"] == "stopped")
            assert kernel.run("pass") == ""  # nothing was printed meanwhile
        finally:
            kernel.close()


def test_closed_it_is_followed_no_more(kernel: Kernel) -> None:
    launched(kernel)
    assert kernel.run(THREADS) == "['alongside-following']\n"
    kernel.run("from ipywidgets import Widget; Widget.close_all()")
    wait_for(lambda: kernel.run(THREADS) == "[]\n", "no thread left")
    kernel.run("b")
    assert VIEW in kernel.shown[-1]  # shown again it is another one
    assert kernel.run(THREADS) == "['alongside-following']\n"


def test_without_anywidget_there_is_the_static_card(kernel: Kernel) -> None:
    kernel.run("import sys; sys.modules['anywidget'] = None")
    kernel.run("import alongside; alongside.launch('dask', workers=1, memory='256 MiB')")
    assert set(kernel.shown[-1]) == {MIME, "text/html", "text/plain"}
    assert kernel.run(THREADS) == "[]\n"


def test_outside_of_a_kernel_there_is_the_static_card(service: RealService) -> None:
    code = """
        import sys, alongside
        with alongside.launch("dask", workers=1, memory="256 MiB") as backend:
            print(sorted(backend._repr_mimebundle_()), "anywidget" in sys.modules)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **service.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert run.stdout == "['text/html', 'text/plain'] False\n"
