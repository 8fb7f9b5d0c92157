"""``alongside submit``: what is written on the line, as a workflow: begun now, or by the clock."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alongside.cli import tell, text
from alongside.client import Client
from alongside.errors import InvalidRequest
from alongside_workflows import building, client, files
from alongside_workflows.model import Workflow
from alongside_workflows.scheduled import schedule
from alongside_workflows.step_settings import NotebookSettings
from alongside_workflows.telling import told

if TYPE_CHECKING:
    from alongside_workflows.parameters import Parameter

WRONG = 2
"""Exit status when nothing was submitted, for what was given can't be."""


def submit(service: Client, given: argparse.Namespace) -> int:
    try:
        flow = _defined(given)
        if given.bring:
            flow = files.with_notebooks(flow)
        times = _times(given, os.environ)
        if given.check:
            return _checked(client.check(flow, service=service), given)
        if times is not None:
            return _scheduled(service, flow, times, given)
        handle = client.submit(flow, executor=given.executor, service=service)
    except InvalidRequest as error:
        tell(error, given.json)
        return WRONG
    return told(handle, given)


def _times(given: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, Any] | None:
    """What the line says about when, as `schedule` takes it; None for now.

    Raises InvalidRequest for what makes no sense together.
    """
    if given.at is None and given.start is None:
        for option in ("days", "zone", "until", "together"):
            if getattr(given, option):
                raise InvalidRequest(f"--{option} says nothing alone.", "Say when: --at 22:00.")
        return None
    if given.wait:
        raise InvalidRequest(
            "What is submitted by the clock is not waited for.", "Leave out --wait and --follow."
        )
    zone = given.zone or environment.get("TZ", "").removeprefix(":")
    if not zone:
        raise InvalidRequest(
            "It is not known in which time zone that is.", "Say so: --zone Europe/Berlin."
        )
    at = "at" if given.days is None else "from"
    said = {at: given.at, "days": given.days, "start": given.start, "until": given.until}
    overlap = {"overlap": "together"} if given.together else {}
    return {"zone": zone, **overlap, **{name: one for name, one in said.items() if one is not None}}


def _scheduled(
    service: Client, flow: Workflow, times: Mapping[str, Any], given: argparse.Namespace
) -> int:
    made = schedule(flow, times=times, executor=given.executor, service=service)
    if given.json:
        print(made.model_dump_json(indent=2))
    else:
        print(text.schedules([made]))
        print(f"Delete it with: alongside unschedule {made.id}")
    return 0


def _defined(given: argparse.Namespace) -> Workflow:
    """What is to be submitted, with the parameters of the file, then those of the line."""
    values = {} if given.file is None else files.read_values(given.file)
    what: str | Workflow = given.what
    if given.what.endswith(".ipynb"):
        values |= _for_notebook(given.what, given.parameters)
    elif given.parameters:
        what = client.define(given.what)
        for name, said in given.parameters:
            text = isinstance(what.parameters.get(name), str)
            values[name] = said if text else files.value_of(said)
    return client.define(what, values, name=given.name, **_settings(given))


def _for_notebook(path: str, given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Values by the types that the notebook's parameters have."""
    if not given:
        return {}
    notebook = files.read_notebook(path)
    from alongside_workflows import parameters  # a while to import; other commands do without

    known = parameters.find(notebook, [name for name, _ in given])
    return {name: _value(known.get(name), said) for name, said in given}


def _checked(flow: Workflow, given: argparse.Namespace) -> int:
    if given.json:
        print(flow.model_dump_json(exclude_defaults=True, indent=2))
    else:
        count = len(flow.steps)
        print(f"{flow.name} can be submitted: {count} step{'s' * (count != 1)}.")
    return 0


def _value(one: Parameter | None, said: str) -> Any:
    """What it means for this parameter: text where that is asked for, else a value of YAML."""
    if one is not None and one.type == "str":
        return one.from_text(said)
    value = files.value_of(said)
    return value if one is None or one.fits(value) else one.from_text(said)


def _settings(given: argparse.Namespace) -> NotebookSettings:
    """What the line says of a notebook; nothing that it does not."""
    settings: dict[str, Any] = {}
    kind = None if given.backend in (None, "none") else given.backend
    size = {name: files.value_of(said) for name, said in given.options}
    if kind == "session":
        settings["backend"] = "session"
    elif kind is not None:
        own = {"profile": given.profile, "minimum": given.minimum}
        settings["backend"] = building.backend(kind, **own, **size)
    if kind in (None, "session") and (size or given.profile or given.minimum is not None):
        raise InvalidRequest(
            "--option, --profile and --minimum belong to a backend of its own.",
            "Say of which kind: --backend dask.",
        )
    said = {
        "retries": given.retries,
        "timeout": given.timeout,
        "cache": given.cache or None,
        "output": given.output,
        "kernel": given.kernel,
        "cells": given.cells,
        "functions": given.functions,
    }
    settings |= {name: value for name, value in said.items() if value is not None}
    return settings  # type: ignore[return-value]  # the keys are those of the type
