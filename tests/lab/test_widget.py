"""The live card in a real kernel, with the real service and real clusters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

import alongside
from tests.client.real import RealService
from tests.lab.jupyter import wait_for

VIEW = "application/vnd.jupyter.widget-view+json"
THREADS = """
    import threading
    print([thread.name for thread in threading.enumerate() if "alongside" in thread.name])
"""


class Kernel:
    """A kernel, and the state of its widgets as a front end keeps it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.manager: KernelManager
        self.client: BlockingKernelClient
        dropped = ("JUPYTER", "ALONGSIDE_", "DASK_")
        own = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        self.manager, self.client = start_new_kernel(
            startup_timeout=60, env=own | environment, stderr=subprocess.DEVNULL
        )
        self.models: dict[str, dict[str, Any]] = {}
        self.answers: dict[int, Any] = {}
        self.printed = ""
        self.shown: list[dict[str, Any]] = []
        self.everything = ""
        """All that the kernel has sent, as text."""

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def start(self, code: str) -> str:
        """Begin to run it."""
        return str(self.client.execute(textwrap.dedent(code)))

    def run(self, code: str, within: float = 60.0) -> str:
        """Run it; what it printed."""
        self.printed = ""
        request = self.start(code)
        done = lambda message: (  # noqa: E731
            message["parent_header"].get("msg_id") == request
            and message["msg_type"] == "status"
            and message["content"]["execution_state"] == "idle"
        )
        self.until(done, within)
        return self.printed

    def until(self, condition: Callable[[dict[str, Any]], Any], within: float = 30.0) -> None:
        """Take what the kernel sends until this holds of a message."""
        found = False

        def one() -> bool:
            nonlocal found
            message = self.client.get_iopub_msg(timeout=within)
            self._take(message)
            found = bool(condition(message))
            return found

        wait_for(one, "a message of the kernel", within)
        assert found

    def until_state(self, model: str, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until this holds of a widget's state."""
        if not holds(self.models[model]):
            self.until(lambda _: holds(self.models[model]))
        return self.models[model]

    def press(self, model: str, do: str, value: Any = None, subshell: str | None = None) -> Any:
        """What a button does; the problem that is answered, None when there is none."""
        number = len(self.answers) + 1
        content = {"request": number, "do": do, "value": value}
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": model, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        self.until(lambda _: number in self.answers)
        return self.answers[number]

    def subshell(self) -> str:
        """A thread of the kernel's beside the one that runs cells, as JupyterLab asks for."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        reply = self.client.control_channel.get_msg(timeout=30)
        assert reply["content"]["status"] == "ok"
        return str(reply["content"]["subshell_id"])

    def _take(self, message: dict[str, Any]) -> None:
        content = message["content"]
        self.everything += json.dumps(content, default=str)
        match message["msg_type"]:
            case "comm_open":
                self.models[content["comm_id"]] = dict(content["data"]["state"])
            case "comm_msg" if content["data"]["method"] == "update":
                self.models[content["comm_id"]] |= content["data"]["state"]
            case "comm_msg" if content["data"]["method"] == "custom":
                told = content["data"]["content"]
                self.answers[told["answer"]] = told["problem"]
            case "execute_result" | "display_data":
                self.shown.append(content["data"])
            case "stream":
                self.printed += content["text"]
            case "error":
                pytest.fail("\n".join(content["traceback"]))


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
    assert set(shown) == {VIEW, "text/html", "text/plain"}
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
    assert kernel.press(model, "extend")["detail"].startswith("etl can't be kept longer")

    kernel.run("b")
    assert kernel.shown[-1][VIEW]["model_id"] == model  # shown twice, told once
    assert kernel.press(model, "stop") is None
    kernel.until_state(model, lambda s: s["view"]["phase"] == "stopped")
    wait_for(lambda: kernel.run(THREADS) == "[]\n", "no thread left")
    assert service.token not in kernel.everything
    assert "PRIVATE KEY" not in kernel.everything


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
    assert set(kernel.shown[-1]) == {"text/html", "text/plain"}
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
