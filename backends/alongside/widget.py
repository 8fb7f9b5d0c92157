"""The live card of a backend in a notebook: what a handle shows of itself in a running kernel.

The service has the truth; a widget shows what `alongside.following` brings and passes on what its
buttons ask for. Its state, which a notebook may be saved with, is the API's Backend, which has no
secret in it. Needs anywidget; without it there is the static card of `alongside.card`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from alongside.async_client import AsyncClient
from alongside.client import Client
from alongside.endpoint import API, Endpoint
from alongside.errors import AlongsideError, Conflict, InvalidRequest
from alongside.following import FOLLOWING, Command, Problem
from alongside.kinds import get_kind, kinds
from alongside.links import dashboard_link
from alongside.models import Backend, Lifetime
from alongside.phases import ENDED, Phase
from alongside.progress import Progress, Step
from alongside.resizing import relaunch
from alongside.units import format_duration

MIME = "application/vnd.jupyter.widget-view+json"
_STATIC = Path(__file__).parent / "static"


class BackendWidget(anywidget.AnyWidget):
    """One backend, live. Made by showing a handle; `close` ends it."""

    _esm = (_STATIC / "widget.js").read_text("utf-8")
    _css = (_STATIC / "widget.css").read_text("utf-8")

    view = traitlets.Dict(help="The API's Backend.").tag(sync=True)
    problem: traitlets.Dict[str, object] = traitlets.Dict(
        help="Why it isn't known how it is: detail and remedy; empty while it is."
    ).tag(sync=True)
    about = traitlets.Dict(
        help="Who looks at it, where its dashboard is, and what its kind is called."
    ).tag(sync=True)
    progress: traitlets.Dict[str, object] = traitlets.Dict(
        help="How far a new start with another size is: step, message, done, of, remedy."
    ).tag(sync=True)

    def __init__(self, endpoint: Endpoint, backend: Backend) -> None:
        self.endpoint = endpoint
        self.backend_id = backend.id
        self._cells = _loop()
        super().__init__(
            view=backend.model_dump(mode="json"),
            about={
                "user": endpoint.user,
                "session": endpoint.session,
                "dashboard": _dashboard(endpoint, backend.id),
                # whether the session's own server can be asked for the dashboard too
                "own": endpoint.session is not None,
                **_words(backend.kind),
            },
        )
        self.on_msg(self._received)

    def open(self) -> None:
        """Open the connection to the front end."""
        super().open()
        # ipykernel sends what comes back to where the widget was last heard of, which is the
        # thread that runs cells: a button would wait for the computation. The front end names a
        # thread that is free.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda data, named: named

    def close(self) -> None:
        """Show it no more."""
        if FOLLOWING is not None:  # as it is while Python ends
            FOLLOWING.leave(self)
        super().close()

    def changed(self, backend: dict[str, Any]) -> None:
        """See `alongside.following.Reader`."""
        # what this version doesn't know may be left to newer ones
        state = {name: backend[name] for name in Backend.model_fields if name in backend}
        self.view = state
        if Phase(state["phase"]) in ENDED:
            FOLLOWING.leave(self)

    def removed(self) -> None:
        """See `alongside.following.Reader`."""
        if Phase(self.view["phase"]) not in ENDED:
            self.view = {**self.view, "phase": str(Phase.STOPPED), "usage": {}, "expires": None}
        FOLLOWING.leave(self)

    def connection(self, problem: Problem | None) -> None:
        """See `alongside.following.Reader`."""
        self.problem = problem or {}

    def _received(self, _: object, content: Mapping[str, Any], __: object) -> None:
        number = content.get("request")

        def answered(problem: Problem | None) -> None:
            self.send({"answer": number, "problem": problem})

        if content.get("do") == "hello":
            answered(None)
            return
        if content.get("do") == "scale" and get_kind(self.view["kind"]).scaling == "relaunch":
            self._relaunch(content, answered)
            return
        try:
            command = self._command(content)
        except AlongsideError as error:
            answered(error.problem())
        else:
            FOLLOWING.carry_out(self.endpoint, command, answered)

    def _relaunch(
        self, content: Mapping[str, Any], answered: Callable[[Problem | None], None]
    ) -> None:
        """Have it done where cells run, once none does: it uses what they use."""
        members, discard = content.get("value"), content.get("discard") is True
        if self._cells is None or not isinstance(members, int):
            answered(Conflict("This can't be done from here.", "Scale it from a cell.").problem())
            return

        def work() -> None:
            try:
                with Client.at(self.endpoint) as service:
                    handle = service.backend(self.backend_id)
                    relaunch(handle, members, tell=self._tell, discard=discard)
            except AlongsideError as error:
                self._tell(Progress(Step.FAILED, error.message, remedy=error.remedy))
            except Exception as error:
                text = f"It failed ({type(error).__name__}: {error})."
                self._tell(Progress(Step.FAILED, text, remedy="Scale it from a cell."))

        self._tell(Progress(Step.SAVING, "Waiting for the notebook's cells"))
        answered(None)
        self._cells.call_soon_threadsafe(work)

    def _tell(self, progress: Progress) -> None:
        self.progress = {**asdict(progress), "step": str(progress.step)}

    def _command(self, content: Mapping[str, Any]) -> Command:
        id = self.backend_id
        match content.get("do"), content.get("value"):
            case "scale", int(members) if members >= 0:
                return lambda client: client.scale(id, members)
            case "stop", _:
                return lambda client: client.stop(id)
            case "keep", bool(keep):
                return lambda client: client.change(id, keep=keep)
            case "extend", _:
                return lambda client: _extend(client, id)
        raise InvalidRequest("The card asked for something unknown.", "Run the cell again.")


def _loop() -> asyncio.AbstractEventLoop | None:
    """The loop that cells run in, when asked for in one of them."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _words(name: str) -> dict[str, Any]:
    known = kinds().get(name)
    if known is None:
        return {}
    return {"kind": {"title": known.title, "member": known.member, "scaling": known.scaling}}


async def _extend(client: AsyncClient, id: str) -> None:
    backend = (await client.backend(id)).state
    maximum = backend.lifetime.maximum
    if maximum is None or backend.expires != backend.created + maximum:
        await client.change(id, needed=True)
        return
    most = _longest(await client.catalogue(), backend).maximum
    if most == maximum:
        raise Conflict(
            f"{backend.name} can't be kept longer: its profile doesn't allow more.",
            "Save what you need before it ends; then launch it again.",
        )
    await client.change(id, lifetime={"maximum": most and format_duration(most)})


def _longest(catalogue: Mapping[str, Any], backend: Backend) -> Lifetime:
    """What its profile allows; nothing more than it has, when that is not on offer any more."""
    for profile in catalogue["profiles"]:
        if profile["name"] == backend.profile and backend.kind in profile["backends"]:
            return Lifetime.model_validate(profile["backends"][backend.kind]["lifetime"])
    return backend.lifetime


def _dashboard(endpoint: Endpoint, id: str) -> str:
    if endpoint.session is not None:
        return dashboard_link(id)
    return dashboard_link(id, {API: endpoint.url, "JUPYTERHUB_PUBLIC_URL": endpoint.url})


_shown: dict[tuple[Endpoint, str], BackendWidget] = {}


def view(endpoint: Endpoint, backend: Backend) -> dict[str, Any]:
    """What shows the backend's widget, as a MIME bundle; one widget, however often it is shown."""
    key = (endpoint, backend.id)
    widget = _shown.get(key)
    if widget is None or widget.comm is None:
        widget = _shown[key] = BackendWidget(endpoint, backend)
        FOLLOWING.follow(widget)
    return {MIME: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
