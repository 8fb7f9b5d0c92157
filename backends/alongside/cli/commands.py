"""The commands that ask the service: each prints its result and returns the exit status."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

from alongside.cli import text
from alongside.cli.options import chosen
from alongside.client import Client
from alongside.models import Backend, now
from alongside.phases import LIVE
from alongside.schedules import Schedule


def run(command: str, given: Any) -> int:
    """Carry a command out."""
    with Client(given.url) as client:
        _COMMANDS[command](client, given)
    return 0


def _list(client: Client, given: argparse.Namespace) -> None:
    found = [
        handle.state for handle in client.backends() if given.all or handle.state.phase in LIVE
    ]
    if given.json:
        _json([_plain(backend) for backend in found])
    elif found:
        print(text.backends(found, now()))
    else:
        print("You have no backends. Launch one with: alongside launch dask")


def _launch(client: Client, given: argparse.Namespace) -> None:
    session: dict[str, Any] = {"session": None} if given.free else {}
    if given.session is not None:
        session = {"session": given.session}
    launched = client.launch(
        given.kind,
        name=given.name,
        profile=given.profile,
        image=given.image,
        keep=given.keep,
        lifetime=_lifetime(given),
        wait=given.wait,
        timeout=given.timeout,
        **session,
        **chosen(given),
    )
    _state(launched.state, given)


def _lifetime(given: argparse.Namespace) -> dict[str, str] | None:
    return {key: span for key in ("idle", "maximum") if (span := getattr(given, key))} or None


def _schedule(client: Client, given: argparse.Namespace) -> None:
    wish = {
        "kind": given.kind,
        "profile": given.profile,
        "image": given.image,
        "lifetime": _lifetime(given),
        "options": chosen(given) or None,
    }
    launch = {key: value for key, value in wish.items() if value is not None}
    words = ("zone", "days", "from_", "to", "start", "stop", "until")
    times = {word: getattr(given, word) for word in words}
    made = client.schedule(given.name or given.kind, launch, **times)
    _schedules_told([made], given)


def _schedules(client: Client, given: argparse.Namespace) -> None:
    found = client.schedules()
    if found or given.json:
        _schedules_told(found, given)
    else:
        print("You have no schedules. Make one with: alongside schedule dask --from 07:00 ...")


def _schedules_told(found: Sequence[Schedule], given: argparse.Namespace) -> None:
    if given.json:
        _json([one.model_dump(mode="json") for one in found])
    else:
        print(text.schedules(found))


def _unschedule(client: Client, given: argparse.Namespace) -> None:
    for name in given.names:
        client.unschedule(name, stop=given.stop)
    if given.json:
        _json(given.names)
        return
    for name in given.names:
        print(f"{name} is deleted{'; what it has started is ending' if given.stop else ''}.")


def _scale(client: Client, given: argparse.Namespace) -> None:
    if given.adaptive:
        _state(client.adapt(given.name, **given.adaptive).state, given)
        return
    scaled = client.scale(
        given.name,
        given.members,
        wait=given.wait,
        timeout=given.timeout,
        discard=given.discard,
    )
    _state(scaled.state, given)


def _stop(client: Client, given: argparse.Namespace) -> None:
    found = [client.backend(name) for name in given.names]
    for handle in found:
        client.stop(handle, wait=given.wait, timeout=given.timeout)
    if given.json:
        _json([handle.id for handle in found])
        return
    for handle in found:
        print(f"{handle.name} {'has ended' if given.wait else 'is ending'}.")


def _logs(client: Client, given: argparse.Namespace) -> None:
    for line in client.logs(given.name, given.role, lines=given.lines, follow=given.follow):
        print(json.dumps({"line": line}) if given.json else line, flush=given.follow)


def _show(client: Client, given: argparse.Namespace) -> None:
    state = client.backend(given.name).state
    if given.json:
        _json(_plain(state))
    else:
        print(text.backend(state, now()))


def _state(backend: Backend, given: argparse.Namespace) -> None:
    if given.json:
        _json(_plain(backend))
    else:
        print(
            f"{backend.name} is {backend.phase}, {backend.ready} of {backend.wanted} ready "
            f"({backend.id})."
        )


def _plain(backend: Backend) -> dict[str, Any]:
    return backend.model_dump(mode="json")


def _json(data: dict[str, Any] | Sequence[Any]) -> None:
    print(json.dumps(data, indent=2))


_COMMANDS: dict[str, Callable[[Client, argparse.Namespace], None]] = {
    "list": _list,
    "schedule": _schedule,
    "schedules": _schedules,
    "unschedule": _unschedule,
    "launch": _launch,
    "scale": _scale,
    "stop": _stop,
    "logs": _logs,
    "show": _show,
}
