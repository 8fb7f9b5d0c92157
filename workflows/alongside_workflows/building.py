"""Writing a workflow in Python.

>>> with workflow("diamond", directory="/data") as diamond:
...     a, b, c, d = (diamond.command(name, ["echo", name]) for name in "abcd")
...     order = a >> [b, c] >> d
>>> diamond.build().graph.before["d"]
('b', 'c')

What comes out is an `alongside_workflows.Workflow`, the same that a file in YAML becomes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Any, Self, Unpack

from pydantic import JsonValue

from alongside.errors import InvalidRequest
from alongside.models import Pod
from alongside.requests import parse
from alongside_workflows import files
from alongside_workflows.draft_steps import LONGEST_NAME, DraftStep, Result, split, step_name
from alongside_workflows.model import BackendWish, Retry, Step, Throttle, Workflow
from alongside_workflows.nested import Nested, unfold
from alongside_workflows.step_settings import NotebookSettings, StepSettings

_AMOUNTS = ("cores", "memory", "gpus")
_LISTS = ("results", "cells", "functions")


class Draft:
    """A workflow that is being written; `workflow` begins one.

    As a context manager it is checked when the block ends. Names of steps are brought into the
    form that they need: "Load data" is called `load-data`.
    """

    def __init__(
        self, name: str, directory: str | os.PathLike[str] | None, **settings: Any
    ) -> None:
        self.name = name
        folder = os.fspath(Path.cwd() if directory is None else directory)
        self._data = {"name": name, "directory": folder} | {
            key: value for key, value in settings.items() if value is not None
        }
        self._steps: list[DraftStep] = []
        self._backends: dict[str, BackendWish] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is None:
            self.build()

    def __repr__(self) -> str:
        return f"<workflow {self.name!r} of {len(self._steps)} steps>"

    def notebook(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        parameters: Mapping[str, JsonValue | Result] | None = None,
        **settings: Unpack[NotebookSettings],
    ) -> DraftStep:
        """A step that executes a notebook.

        - `name`: how it is called; default: like the notebook
        - `parameters`: values, or results of other steps (``load.results["count"]``)
        - `settings`: what else it needs and leaves, as in `NotebookNeeds`, and its `backend`

        >>> w = workflow("report", directory="/data")
        >>> load = w.notebook("load.ipynb", parameters={"year": 2026}, results=["count"])
        >>> plot = w.notebook("plot.ipynb", parameters={"n": load.results["count"]}, retries=2)
        >>> w.build().step("plot").takes
        {'n': 'load.count'}
        """
        values, taken = split(parameters or {})
        place = os.fspath(path)
        called = self._free(PurePath(place).stem) if name is None else step_name(name)
        return self._add({"name": called, "notebook": place}, values, taken, settings)

    def command(
        self,
        name: str,
        words: Sequence[str | Result],
        *,
        parameters: Mapping[str, JsonValue | Result] | None = None,
        **settings: Unpack[StepSettings],
    ) -> DraftStep:
        """A step that runs a program: no shell, each word is one argument.

        ``{n}`` in a word stands for the parameter `n`; a result of another step can be a word.

        >>> w = workflow("count", directory="/data")
        >>> count = w.command("count", ["./count.sh", "--top", "{n}"], parameters={"n": 10})
        >>> tell = w.command("tell", ["echo", count.results["total"]])
        >>> w.build().step("tell").command
        ('echo', '{count_total}')
        """
        if isinstance(words, str):
            raise InvalidRequest(
                "A command is a list of words, not one text.",
                f"Write {words.split()!r}; or, for a shell, ['sh', '-c', {words!r}].",
                "command",
            )
        values, taken = split(parameters or {})
        written = []
        for word in words:
            if isinstance(word, Result):
                variable = f"{word.step.name.replace('-', '_')}_{word.name}"
                taken[variable] = word
                written.append(f"{{{variable}}}")
            else:
                written.append(word)
        return self._add({"name": step_name(name), "command": written}, values, taken, settings)

    def workflow(
        self,
        what: Workflow | Draft | str | os.PathLike[str],
        *,
        name: str | None = None,
        parameters: Mapping[str, JsonValue | Result] | None = None,
        after: Iterable[DraftStep] | DraftStep = (),
    ) -> DraftStep:
        """A step that is a workflow: its steps take its place, called `name-step`.

        - `what`: one that was written, or the path of a definition
        - `name`: how it is called; default: like the workflow
        - `parameters`: values, or results of other steps, for parameters that it has

        >>> inner = workflow("fit", parameters={"n": 1}, directory="/data")
        >>> step = inner.notebook("fit.ipynb", results=["slope"])
        >>> w = workflow("twice", directory="/data")
        >>> both = [w.workflow(inner, name=f"fit-{n}", parameters={"n": n}) for n in (1, 2)]
        >>> tell = w.command("tell", ["echo", both[1].results["slope"]])
        >>> [step.name for step in w.build().steps], w.build().step("tell").takes
        (['fit-1-fit', 'fit-2-fit', 'tell'], {'fit_2_slope': 'fit-2-fit.slope'})
        """
        values, taken = split(parameters or {})
        flow = what.build() if isinstance(what, Draft) else what
        if not isinstance(flow, Workflow):
            flow = files.read_workflow(flow)
        called = self._free(flow.name) if name is None else step_name(name)
        data = {"name": called, "workflow": flow}
        return self._add(data, values, taken, {"after": after}, Nested)

    def shared(self, name: str, wish: BackendWish) -> str:
        """A backend that several steps share; it begins with the first and ends with the run.

        >>> w = workflow("train", directory="/data")
        >>> large = w.shared("large", backend("dask", workers=10))
        >>> steps = [w.notebook(f"{part}.ipynb", backend=large) for part in ("fit", "score")]
        """
        called = step_name(name)
        self._backends[called] = wish
        return called

    def build(self) -> Workflow:
        """The workflow; raises `alongside.errors.InvalidFields` with all that is wrong."""
        content = self._data | {"steps": [_without_results(step.data) for step in self._steps]}
        if self._backends:
            content["backends"] = self._backends
        return unfold(content, read=lambda flow: flow).checked()

    def _free(self, title: str) -> str:
        """A name of our choosing, which no other step has."""
        try:
            wanted = step_name(title)
        except InvalidRequest:
            wanted = "notebook"  # of one whose name has no letter that can be kept
        known = {step.name for step in self._steps}
        called, number = wanted, 2
        while called in known:
            tail = f"-{number}"
            called = wanted[: LONGEST_NAME - len(tail)] + tail
            number += 1
        return called

    def _add(
        self,
        data: dict[str, Any],
        values: dict[str, JsonValue],
        taken: dict[str, Result],
        settings: Mapping[str, Any],
        model: type[Step | Nested] = Step,
    ) -> DraftStep:
        for key, value in settings.items():
            if key in ("inputs", "outputs"):
                data[key] = {place: os.fspath(path) for place, path in value.items()}
            elif key in _AMOUNTS:
                data.setdefault("resources", {})[key] = value
            elif key == "retries":
                data["retry"] = value if isinstance(value, Retry) else {"times": value}
            elif key in _LISTS:
                data[key] = list(value)
            elif key == "output":
                data["output"] = os.fspath(value)
            elif key == "joined":
                self.own(value)
                data["joined"] = value.name
            elif key != "after":
                data[key] = value
        if values:
            data["parameters"] = values
        if taken:
            data["takes"] = {into: result.source for into, result in taken.items()}
        parse(
            model, data, f"steps.{data['name']}"
        )  # so that what is wrong is told where it is written
        step = DraftStep(self, data)
        for result in taken.values():
            self.own(result.step)
        after = settings.get("after", ())
        for other in (after,) if isinstance(after, DraftStep) else after:
            step.follow(other)
        self._steps.append(step)
        return step

    def own(self, step: object) -> None:
        """Raise InvalidRequest for what isn't one of its steps."""
        if not isinstance(step, DraftStep):
            raise InvalidRequest(
                f"{step!r} is not a step.",
                "Give what `notebook`, `command` or `workflow` has returned.",
                "after",
            )
        if step.draft is not self:
            raise InvalidRequest(
                f"{step.name!r} is a step of another workflow, {step.draft.name!r}.",
                "Join steps of one workflow only.",
                "after",
            )


def _without_results(data: dict[str, Any]) -> dict[str, Any]:
    """The same; but those of a workflow are of its steps, which say them."""
    return {key: one for key, one in data.items() if key != "results" or "workflow" not in data}


def workflow(
    name: str,
    *,
    description: str | None = None,
    parameters: Mapping[str, JsonValue] | None = None,
    directory: str | os.PathLike[str] | None = None,
    parallel: int | None = None,
    throttle: Throttle | Mapping[str, Any] | None = None,
    timeout: str | timedelta | None = None,
    keep_backends: str | timedelta | None = None,
    pod: Pod | None = None,
) -> Draft:
    """Begin to write a workflow.

    - `parameters`: values for all steps that have such a parameter and don't set it
    - `directory`: where relative paths begin; default: the present directory
    - `parallel`: steps that run at the same time, 4 unless said
    - `throttle`: how many attempts begin in a time: ``{"starts": 3, "per": "1 min"}``
    - `timeout`: a run that takes longer is cancelled: ``"8 h"``
    - `keep_backends`: how long backends of a failed run stay, so that it can be resumed on them

    >>> workflow("nightly", parameters={"year": 2026}, directory="/data", timeout="8 h")
    <workflow 'nightly' of 0 steps>
    """
    return Draft(
        name,
        directory,
        description=description,
        parameters=None if parameters is None else dict(parameters),
        parallel=parallel,
        throttle=throttle,
        timeout=timeout,
        keep_backends=keep_backends,
        pod=pod,
    )


def backend(
    kind: str = "dask",
    *,
    profile: str | None = None,
    minimum: int | None = None,
    wait: str | timedelta | None = None,
    **options: Any,
) -> BackendWish:
    """The backend that a step computes on, by the words of `alongside.launch`.

    - `minimum`: members that must be there before the step begins; default: all
    - `wait`: how long it is waited for; then the attempt fails

    >>> backend("dask", workers=4, memory="2 GiB", minimum=1).options
    {'workers': 4, 'memory': '2 GiB'}
    """
    given = {"profile": profile, "minimum": minimum, "wait": wait}
    said = {key: value for key, value in given.items() if value is not None}
    return parse(BackendWish, {"kind": kind, "options": options, **said}, "backend")
