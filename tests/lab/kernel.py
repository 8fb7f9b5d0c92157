"""A real kernel, and what a front end knows of it."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from alongside.frontend import TARGET
from tests.lab.jupyter import wait_for


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
        self.attached: list[tuple[str, str]] = []
        """The comm by which it told of a backend, and the backend's id."""
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
        self.until(
            lambda message: (
                message["parent_header"].get("msg_id") == request
                and message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
            ),
            within,
        )
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

    def say(self, comm: str, kind: str = "comm_msg") -> None:
        """Say something by a comm, as a page does that was loaded anew; or close it."""
        message = self.client.session.msg(kind, {"comm_id": comm, "data": {}})
        self.client.shell_channel.send(message)

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
            case "comm_open" if content["target_name"] == TARGET:
                self.attached.append((content["comm_id"], content["data"]["backend"]))
            case "comm_msg" if "backend" in content["data"]:
                self.attached.append((content["comm_id"], content["data"]["backend"]))
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
