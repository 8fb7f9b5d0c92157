"""What the commands about runs do: each prints its result and returns the exit status."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from alongside.client import Client
from alongside.errors import StorageFailed
from alongside.models import now
from alongside_workflows import client, running, text, trace_lookup, trace_views
from alongside_workflows.handle import RunHandle
from alongside_workflows.log_following import LogFollower
from alongside_workflows.submitting import submit
from alongside_workflows.telling import outliving, told


def run(command: str, given: argparse.Namespace) -> int:
    """Carry a command out."""
    with Client(given.url) as service:
        return _COMMANDS[command](service, given)


def _list(service: Client, given: argparse.Namespace) -> int:
    found = [handle.run for handle in client.list_runs(service=service)][: given.limit]
    if given.json:
        print(json.dumps([run.model_dump(mode="json") for run in found], indent=2))
    elif found:
        print(text.runs(found, now()))
    else:
        print("You have no runs. Begin one with: alongside submit NOTEBOOK")
    return 0


def _show(service: Client, given: argparse.Namespace) -> int:
    handle = client.find_run(given.wanted, service=service)
    if given.wait:
        return told(handle, given)
    if given.json:
        print(handle.run.model_dump_json(indent=2))
    else:
        print(text.run(handle.run, now()))
    return 0


def _cancel(service: Client, given: argparse.Namespace) -> int:
    handle = client.find_run(given.wanted, service=service).cancel()
    if given.json:
        print(handle.run.model_dump_json(indent=2))
    elif handle.state.final:
        print(text.outcome(handle.run))
    else:
        print(f"{handle.name} is being cancelled ({handle.id}).")
    return 0


def _resume(service: Client, given: argparse.Namespace) -> int:
    return told(client.find_run(given.wanted, service=service).resume(), given)


def _log(service: Client, given: argparse.Namespace) -> int:
    handle = client.find_run(given.wanted, service=service)
    if given.follow:
        return _log_followed(service, handle, given)
    printed = handle.log(given.step, attempt=given.attempt, lines=given.lines)
    if given.json:
        print(json.dumps({"lines": printed.splitlines()}, indent=2))
    else:
        sys.stdout.write(printed if printed.endswith("\n") or not printed else f"{printed}\n")
    return 0


def _log_followed(service: Client, handle: RunHandle, given: argparse.Namespace) -> int:
    told: list[str] = []

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def say(text: str) -> None:
        if not given.json:
            print(text, file=sys.stderr, flush=True)

    follower = LogFollower(
        service,
        handle.id,
        given.step,
        given.attempt,
        given.lines,
        told.append if given.json else write,
        say,
    )
    with outliving(handle):
        succeeded = follower.follow()
    if given.json:
        print(json.dumps({"lines": "".join(told).splitlines()}, indent=2))
    return 0 if succeeded else 1


def _report(service: Client, given: argparse.Namespace) -> int:
    handle = client.find_run(given.wanted, service=service)
    return _written(handle.report(given.step, attempt=given.attempt), given)


def _notebook(service: Client, given: argparse.Namespace) -> int:
    handle = client.find_run(given.wanted, service=service)
    step = running.the_step(handle.run, given.step).name
    content = service.run(running.notebook(handle.id, step, given.attempt))
    return _written(content, given)


def _record(service: Client, given: argparse.Namespace) -> int:
    handle = client.find_run(given.wanted, service=service)
    return _written(json.dumps(handle.record(), indent=2, ensure_ascii=False), given)


def _trace(service: Client, given: argparse.Namespace) -> int:
    limit = trace_lookup.LIMIT if given.limit is None else given.limit
    found = client.trace(given.file, derived=given.derived, limit=limit, service=service)
    found = found.only(step=given.step, code=given.code, since=given.since, until=given.until)
    if given.html is not None:
        given.output = given.html
        _written(trace_views.page(found), given)
    elif given.json:
        print(found.model_dump_json(indent=2))
    else:
        print(trace_views.text(found))
    return 0 if found.acts else 1


def _written(content: str, given: argparse.Namespace) -> int:
    if given.output is None:
        print(content)
        return 0
    try:
        Path(given.output).write_text(content, encoding="utf-8")
    except OSError as error:
        raise StorageFailed(
            f"{given.output} can't be written: {error.strerror}.", "Choose another place."
        ) from None
    print(json.dumps({"file": given.output}) if given.json else f"Written: {given.output}")
    return 0


def _delete(service: Client, given: argparse.Namespace) -> int:
    found = [client.find_run(name, service=service) for name in given.names]
    for handle in found:
        handle.delete()
    if given.json:
        print(json.dumps([handle.id for handle in found]))
    else:
        for handle in found:
            print(f"{handle.name} is deleted ({handle.id}).")
    return 0


_COMMANDS: Mapping[str, Callable[[Client, argparse.Namespace], int]] = {
    "submit": submit,
    "list": _list,
    "show": _show,
    "cancel": _cancel,
    "resume": _resume,
    "log": _log,
    "notebook": _notebook,
    "record": _record,
    "trace": _trace,
    "report": _report,
    "delete": _delete,
}
