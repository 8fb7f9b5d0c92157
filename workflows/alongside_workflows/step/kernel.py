"""The kernel of a step: started, waited for, and ended for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any, Self

from alongside.platforms.local.process import end_with_parent
from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.task import BAD_INPUT, DEAD_KERNEL

START = 60.0
"""Seconds until a kernel must have answered."""
_STARTS = 3  # its ports are found free, but may be somebody else's when it takes them
_POLITE = 5.0  # seconds to end after it was asked to
_KILLED = 3.0  # seconds to end after it was killed
_A_MOMENT = 0.2


def known(name: str) -> Any:
    """The specification of a kernel. Raises StepFailed that lists those that there are."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    manager = KernelSpecManager()
    try:
        return manager.get_kernel_spec(name)
    except NoSuchKernel:
        there = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise StepFailed(
            f"There is no kernel {name!r} here. Kernels: {there}.",
            "Give the step one of these as its `kernel`, or install that one.",
            BAD_INPUT,
        ) from None


class Kernel:
    """A kernel process and the channels to it.

    It ends with this process, even if that is killed: Linux sees to it.
    """

    def __init__(
        self, name: str, folder: Path, directory: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self._connection = folder / "kernel" / "connection.json"
        self._directory = directory
        self._environment = dict(environment)
        self._died = asyncio.Event()
        self.manager: Any = None
        self.client: Any = None
        self.language: dict[str, Any] = {}

    async def launch(self) -> Self:
        """Start the process; it is not waited for. Raises StepFailed."""
        from jupyter_client.manager import AsyncKernelManager

        self._connection.parent.mkdir(mode=0o700, exist_ok=True)
        self._connection.unlink(missing_ok=True)
        self._died = asyncio.Event()
        self.manager = AsyncKernelManager(
            kernel_name=self.name, connection_file=str(self._connection)
        )
        if self.manager.has_trait("transport_encryption"):
            self.manager.transport_encryption = "auto"  # other accounts share the network
        arguments = []
        if any("ipykernel" in word for word in self.manager.kernel_spec.argv):
            arguments.append("--HistoryManager.hist_file=:memory:")  # a file would be shared
        try:
            await self.manager.start_kernel(
                extra_arguments=arguments,
                cwd=str(self._directory),
                env=self._environment,
                preexec_fn=partial(end_with_parent, os.getpid()),
            )
        except Exception as error:
            raise StepFailed(
                f"The kernel {self.name!r} can't be started: {cause(error)}.",
                "Check its installation.",
                BAD_INPUT,
            ) from error
        self._watch()
        self.client = self.manager.client()
        self.client.allow_stdin = False
        self.client.start_channels()
        self.client.kernel_info()
        return self

    async def ready(self) -> None:
        """Wait until it answers. Raises StepFailed."""
        for start in range(_STARTS):
            if start:
                await self.end(polite=0)
                await self.launch()
            if await self._answers():
                return
        code = await self.exit_code()
        raise StepFailed(
            f"The kernel {self.name!r} ended while it was starting ({ending(code)}).",
            "See the step's log; check that the kernel works in JupyterLab.",
            DEAD_KERNEL,
        )

    async def _answers(self) -> bool:
        """Whether it has answered; False: it has died instead."""
        answer = asyncio.create_task(self._answer())
        death = asyncio.create_task(self._died.wait())
        try:
            await asyncio.wait({answer, death}, timeout=START, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                self.language = answer.result()
                return True
            if death.done():
                return False
        finally:
            answer.cancel()
            death.cancel()
        raise StepFailed(
            f"The kernel {self.name!r} did not answer within {START:.0f} s.",
            "Try again; if the machine is busy, run fewer steps at the same time.",
            DEAD_KERNEL,
        )

    async def _answer(self) -> dict[str, Any]:
        """What it says about itself, once both ways to it are open."""
        while True:
            reply = await self.client.get_shell_msg()
            if reply["msg_type"] != "kernel_info_reply":
                continue
            with contextlib.suppress(Empty):
                await self.client.get_iopub_msg(timeout=_A_MOMENT)
                return dict(reply["content"].get("language_info") or {})
            self.client.kernel_info()

    async def reply(self, id: str, within: float) -> dict[str, Any]:
        """What it answers to the message of this id.

        Raises TimeoutError after `within` seconds, and when it has ended.
        """

        async def answered() -> dict[str, Any]:
            while True:
                message: dict[str, Any] = await self.client.get_shell_msg()
                if message["parent_header"].get("msg_id") == id:
                    return message

        answer = asyncio.create_task(answered())
        death = asyncio.create_task(self._died.wait())
        try:
            await asyncio.wait({answer, death}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            answer.cancel()
            death.cancel()
        raise TimeoutError

    async def interrupt(self) -> None:
        """Interrupt what it executes."""
        with contextlib.suppress(Exception):
            await self.manager.interrupt_kernel()

    async def exit_code(self) -> int | None:
        """How it has ended: an exit code, or minus a signal; None: not that we know."""
        provisioner = self.manager.provisioner
        code = await provisioner.poll() if provisioner is not None else None
        return code if isinstance(code, int) else None

    async def end(self, polite: float = _POLITE) -> None:
        """End it: it has `polite` seconds for what it does at its exit, then it is killed.

        Once more: nothing.
        """
        if self.manager is None:
            return
        if polite and not self._died.is_set():
            with contextlib.suppress(Exception):
                await self.manager.request_shutdown()
                await asyncio.wait_for(self._died.wait(), polite)
        with contextlib.suppress(Exception):
            if self.manager.has_kernel:  # the whole group: what it has started as well
                await self.manager.provisioner.kill()
                await asyncio.wait_for(self.manager.provisioner.wait(), _KILLED)
        with contextlib.suppress(Exception):
            self.client.stop_channels()
        with contextlib.suppress(Exception):
            await self.manager.cleanup_resources()
        self.manager = None

    def _watch(self) -> None:
        """Note when the process has ended."""
        pid = getattr(self.manager.provisioner, "pid", None)
        died = self._died
        if not isinstance(pid, int):
            return
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            died.set()
            return
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            died.set()

        loop.add_reader(descriptor, ended)


def ending(code: int | None) -> str:
    """How a process has ended, in words."""
    if code is None:
        return "it is not known how"
    if code >= 0:
        return f"exit code {code}"
    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:
        name = ""
    return f"killed by signal {-code}{name}"


MEMORY = (
    "It most likely took more memory than there is: give the step more under `resources`, "
    "or keep the data on its backend."
)
"""What to do when a process was killed by signal 9."""
