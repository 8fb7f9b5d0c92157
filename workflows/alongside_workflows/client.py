"""Submitting workflows and notebooks, and finding their runs, without any address in a session.

>>> from alongside_workflows import submit  # doctest: +SKIP
>>> run = submit("plot.ipynb", {"n": 10}, backend="dask", options={"workers": 2})  # doctest: +SKIP
>>> run.wait().notebook()  # doctest: +SKIP

Everything goes through the client of `alongside`: another hub's is given as `service`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from pydantic import JsonValue

from alongside.asking import FROM_ENVIRONMENT, Asker
from alongside.client import Client
from alongside.errors import InvalidFields, InvalidRequest
from alongside_workflows import building, files, running, trace_lookup
from alongside_workflows.handle import WAIT, RunHandle
from alongside_workflows.model import BackendWish, Workflow
from alongside_workflows.runs import NewRun
from alongside_workflows.step_settings import NotebookNeeds, NotebookSettings
from alongside_workflows.tracing import Trace

if TYPE_CHECKING:
    from alongside_workflows.hera_objects import HeraWorkflow

What: TypeAlias = "Workflow | building.Draft | HeraWorkflow | str | os.PathLike[str]"
"""What can be submitted: a workflow, one that is being written, one of Hera's, or the path of a
definition or of a notebook."""


def submit(
    what: What,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    name: str | None = None,
    backend: str | BackendWish | None = None,
    options: Mapping[str, Any] | None = None,
    profile: str | None = None,
    session: str | None = FROM_ENVIRONMENT,
    executor: str | None = None,
    wait: bool = False,
    wait_for: float = WAIT,
    service: Client | None = None,
    **settings: Unpack[NotebookNeeds],
) -> RunHandle:
    """Begin a run of a workflow, of a definition (``flow.yaml``), or of a single notebook.

    Hera's workflows and Argo's manifests are understood, as far as there is a counterpart.

    - `parameters`: values of the notebook's, or the workflow's, parameters; checked before
    - `name`: how the run is called; default: as the workflow or the notebook
    - `backend`, `options`, `profile`: what a notebook computes on: a kind and its size, or
      ``"session"`` for that of this session
    - `settings`: what else is to be said of a notebook: `retries`, `timeout`, `cache`, `kernel`,
      `memory`, … as in `Draft.notebook`
    - `session`: the session that it is submitted from; default: this one
    - `executor`: who carries it out; default: the service's first
    - `wait`, `wait_for`: whether, and how many seconds, to wait until it has ended

    Raises InvalidRequest with all that is wrong, before anything has begun; with `wait`,
    `RunFailed` when it has not succeeded.
    """
    asked = service if service is not None else _service()
    said: Said = {
        "name": name,
        "backend": backend,
        "options": options,
        "profile": profile,
        "session": session,
        "executor": executor,
        **settings,
    }
    handle = RunHandle(asked, asked.run(running.submit(new_run(asked, what, parameters, said))))
    return handle.wait(wait_for) if wait else handle


class Said(NotebookNeeds, total=False):
    """What `submit` is told besides."""

    name: str | None
    backend: str | BackendWish | None
    options: Mapping[str, Any] | None
    profile: str | None
    session: str | None
    executor: str | None


def new_run(
    service: Asker, what: What, parameters: Mapping[str, JsonValue] | None, said: Said
) -> NewRun:
    """What is sent to submit it. Asks no service."""
    settings: dict[str, Any] = {k: v for k, v in said.items() if k not in _OF_THE_RUN}
    wish = _wish(said.get("backend"), said.get("options"), said.get("profile"))
    if wish is not None:
        settings["backend"] = wish
    new: dict[str, Any] = {"workflow": define(what, parameters, name=said.get("name"), **settings)}
    session = said.get("session", FROM_ENVIRONMENT)
    place = service.endpoint.session if session == FROM_ENVIRONMENT else session
    if place is not None:
        new["session"] = place
    if (executor := said.get("executor")) is not None:
        new["executor"] = executor
    return NewRun(**new)


_OF_THE_RUN = frozenset({"name", "backend", "options", "profile", "session", "executor"})


def check(
    what: What, parameters: Mapping[str, JsonValue] | None = None, *, service: Client | None = None
) -> Workflow:
    """The workflow as it would be submitted, if nothing is wrong with it.

    Raises InvalidRequest with all that is, here and by what the service knows.
    """
    asked = service if service is not None else _service()
    flow = define(what, parameters)
    asked.run(running.check(NewRun(workflow=flow)))
    return flow


def find_run(wanted: str, *, service: Client | None = None) -> RunHandle:
    """The run of this id, or the newest of this name. Raises NotFound."""
    asked = service if service is not None else _service()
    return RunHandle(asked, asked.run(running.find(wanted)))


def list_runs(*, service: Client | None = None) -> list[RunHandle]:
    """All your runs that are known, newest first."""
    asked = service if service is not None else _service()
    return [RunHandle(asked, run) for run in asked.run(running.runs())]


def trace(
    file: str | os.PathLike[str],
    *,
    derived: bool = False,
    limit: int = trace_lookup.LIMIT,
    service: Client | None = None,
) -> Trace:
    """What made a file: the steps that it goes back to, over all runs, by their records.

    - `file`: a path, a URL, or a SHA-256
    - `derived`: what was made of the file instead
    - `limit`: how many of the newest runs are looked at

    Displayed in a notebook, it is a table. Raises NotFound for what is neither here nor in a
    record, and Conflict for what has changed since.
    """
    asked = service if service is not None else _service()
    wanted = trace_lookup.meant(file)
    return trace_lookup.traced(wanted, asked.run(trace_lookup.known(limit)), derived=derived)


def define(
    what: What,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    name: str | None = None,
    **settings: Unpack[NotebookSettings],
) -> Workflow:
    """The workflow that is meant; a notebook is one step. Asks no service."""
    given = dict(parameters or {})
    if isinstance(what, str | os.PathLike):
        suffix = PurePath(os.fspath(what)).suffix.lower()
        if suffix == ".ipynb":
            return _of_notebook(os.fspath(what), given, name, settings)
        if suffix not in files.DEFINITIONS:
            raise InvalidRequest(
                f"{os.fspath(what)} is neither a notebook nor a definition.",
                "Name a file that ends with .ipynb, .yaml, .yml or .json.",
            )
        flow = files.read_workflow(what)
    else:
        flow = _built(what)
    if settings:
        listed = ", ".join(f"`{key}`" for key in settings)
        raise InvalidRequest(
            f"{listed}: for a single notebook only.", "Write that into the steps of the workflow."
        )
    changed: dict[str, Any] = {} if name is None else {"name": name}
    if given:
        _known(given, flow)
        changed["parameters"] = {**flow.parameters, **given}
    if not changed:
        return flow
    return Workflow.model_validate(
        {**{k: getattr(flow, k) for k in flow.model_fields_set}, **changed}
    )


def _built(what: Workflow | building.Draft | HeraWorkflow) -> Workflow:
    if isinstance(what, Workflow):
        return what
    if isinstance(what, building.Draft):
        return what.build()
    if hasattr(what, "to_dict"):
        from alongside_workflows.hera_objects import read_hera  # rarely needed

        return files.placed(read_hera(what), Path.cwd())
    raise InvalidRequest(
        f"{type(what).__name__} is nothing that can be submitted.",
        "Submit a workflow, or the path of a notebook or of a definition.",
    )


def _of_notebook(
    path: str,
    parameters: Mapping[str, JsonValue],
    name: str | None,
    settings: NotebookSettings,
) -> Workflow:
    notebook = files.read_notebook(path)
    # parses Python: a while to import, and needed for notebooks only
    from alongside_workflows.choosing import fitted

    paths = {*settings.get("inputs", ()), *settings.get("outputs", ())} - parameters.keys()
    fitted(  # for what it finds wrong: names, types, missing values
        notebook,
        {**dict.fromkeys(paths, ""), **parameters},
        paths,
        cells=settings.get("cells", ()),
        functions=settings.get("functions", ()),
    )
    draft = building.workflow(name if name is not None else PurePath(path).stem)
    draft.notebook(path, parameters=parameters, **settings)
    return draft.build()


def _known(given: Mapping[str, JsonValue], flow: Workflow) -> None:
    """Raises InvalidFields for what is none of its parameters."""
    unknown = [one for one in given if one not in flow.parameters]
    if unknown:
        listed = ", ".join(flow.parameters) or "none"
        raise InvalidFields(
            [
                InvalidRequest(
                    f"{flow.name} has no parameter {one!r}.",
                    f"It has: {listed}. Add it under its `parameters`, or correct the name.",
                    f"parameters.{one}",
                )
                for one in unknown
            ]
        )


def _wish(
    backend: str | BackendWish | None, options: Mapping[str, Any] | None, profile: str | None
) -> BackendWish | str | None:
    if isinstance(backend, str) and backend != "session":
        return building.backend(backend, profile=profile, **(options or {}))
    if options or profile is not None:
        raise InvalidRequest(
            "`options` and `profile` belong to a backend of its own.",
            'Say of which kind: backend="dask".',
            "backend",
        )
    return backend


def _service() -> Client:
    from alongside.session import service

    return service()
