"""What can be asked of the service about runs, for every client alike.

As in `alongside.operations`: generators that yield calls and return the result.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from alongside.calls import Call
from alongside.errors import AlongsideError, Conflict, NotFound, NotReady
from alongside.exchanges import Operation, ask, fetch, understood
from alongside.operations import whoami
from alongside_workflows.runs import NewRun, Run, State, StepRun

_RUN, _RUNS = TypeAdapter(Run), TypeAdapter(list[Run])
_PART = 206
_LARGE = 120.0
"""Seconds that a large answer, a notebook, may take."""

Tell = Callable[[Run], object]
"""Called with a run whenever it has changed."""


class RunFailed(AlongsideError):
    """A run has ended without success; `run` is what was last seen of it."""

    code = "run-failed"
    status = 409

    def __init__(self, message: str, remedy: str = "", field: str = "") -> None:
        super().__init__(message, remedy, field)
        self.run: Run | None = None


def submit(new: NewRun) -> Operation[Run]:
    """Begin a run; repeated under the same key, it is still one."""
    body = new.model_dump(mode="json", exclude_unset=True)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return understood(_RUN, (yield from ask(Call("POST", "runs", body=body, headers=headers))))


def check(new: NewRun) -> Operation[Any]:
    """What the service says of a definition, without beginning a run. Raises InvalidFields."""
    body = new.workflow.model_dump(mode="json", exclude_unset=True)
    return (yield from ask(Call("POST", "workflows/check", body=body)))


def runs() -> Operation[list[Run]]:
    """All runs that the user may see, newest first."""
    data = yield from ask(Call("GET", "runs"))
    if isinstance(data, dict):
        data = data.get("runs", ())
    found: list[Run] = understood(_RUNS, data)
    return sorted(found, key=lambda run: run.created, reverse=True)


def get(id: str) -> Operation[Run]:
    """The run of this id. Raises NotFound."""
    return understood(_RUN, (yield from ask(Call("GET", _path(id)))))


def find(wanted: str) -> Operation[Run]:
    """The run of this id, or the newest of this name, of one's own first. Raises NotFound."""
    known = yield from runs()
    named = [run for run in known if run.name == wanted]
    if len({run.owner for run in named}) > 1:  # an admin sees those of others too
        user = yield from whoami()
        named.sort(key=lambda run: run.owner != user)
    for run in [*(run for run in known if run.id == wanted), *named]:
        return (yield from get(run.id))
    names = ", ".join(dict.fromkeys(run.name for run in known[:10])) or "none"
    raise NotFound(f"There is no run {wanted[:63]!r}.", f"There are runs of: {names}.")


def cancel(id: str) -> Operation[Run]:
    """End it; its steps get 30 s to stop. One that has ended stays as it is."""
    return (yield from _act(id, "cancel"))


def resume(id: str) -> Operation[Run]:
    """Go on with one that has failed or was cancelled; what has succeeded is not repeated."""
    return (yield from _act(id, "resume"))


def remove(id: str) -> Operation[None]:
    """Delete it with all its files; a live one is cancelled first."""
    try:
        yield from ask(Call("DELETE", _path(id)))
    except NotFound:
        return  # somebody else was quicker


def log(id: str, step: str, attempt: int | None, tail: int) -> Operation[str]:
    """The last lines that an attempt, by default the last one, has printed."""
    answer = yield from fetch(_of_step(id, step, "log", attempt, {"tail": str(tail)}))
    return answer.content.decode("utf-8", errors="replace")


def log_from(
    id: str, step: str, attempt: int, start: int, tail: int
) -> Operation[tuple[bytes, bool]]:
    """What an attempt has printed from this byte on, `LOG_PART` at most, and True.

    Where only the end of a log can be had: its last lines, so many, and False.
    """
    said = {"start": str(start), "tail": str(tail)}
    answer = yield from fetch(_of_step(id, step, "log", attempt, said))
    return answer.content, answer.status == _PART


def notebook(id: str, step: str, attempt: int | None) -> Operation[str]:
    """The executed notebook of an attempt, as JSON text; also while it runs."""
    answer = yield from fetch(_of_step(id, step, "notebook", attempt, {}))
    return answer.content.decode("utf-8", errors="replace")


def report(id: str, step: str, attempt: int | None) -> Operation[str]:
    """The executed notebook of an attempt as one HTML page; also while it runs."""
    answer = yield from fetch(_of_step(id, step, "report", attempt, {}))
    return answer.content.decode("utf-8", errors="replace")


def record(id: str) -> Operation[dict[str, Any]]:
    """What the run was made of and what came out: an RO-Crate, as JSON-LD."""
    found: dict[str, Any] = yield from ask(Call("GET", f"{_path(id)}/record", timeout=_LARGE))
    return found


def the_step(run: Run, wanted: str | None) -> StepRun:
    """The step of this name; without one the step that has failed, else the one that is at work,
    else the last that has begun. Raises NotFound, Conflict."""
    if wanted is not None:
        for step in run.steps:
            if step.name == wanted:
                return step
        names = ", ".join(step.name for step in run.steps[:20])
        raise NotFound(f"{run.name} has no step {wanted[:63]!r}.", f"It has: {names}.", "step")
    for states in ((State.FAILED,), (State.RUNNING, State.PAUSING)):
        for step in run.steps:
            if step.state in states:
                return step
    begun = [step for step in run.steps if step.attempts]
    if not begun:
        raise Conflict(f"No step of {run.name} has begun yet.", "Wait until one has.", "step")
    return max(begun, key=lambda step: step.attempts[-1].started)


def read(document: Any) -> Run:
    """A run as the service tells it. Raises Unavailable for what is none."""
    return understood(_RUN, document)


def still(run: Run, seconds: float) -> NotReady:
    """What to tell of a run that has not ended in time."""
    return NotReady(
        f"The run {run.name} ({run.id}) is still {run.state} after {seconds:.0f} s.",
        f"It goes on. Look at it with `alongside runs show {run.id}`.",
    )


def failure(run: Run) -> RunFailed:
    """What to tell of a run that has not succeeded."""
    bad = next((step for step in run.steps if step.state is State.FAILED), None)
    if run.state is State.CANCELLED:
        message, remedy = f"{run.name} was cancelled", run.remedy
    elif bad is not None:
        said = f": {bad.message}" if bad.message else ""
        message, remedy = f"{run.name} has failed at {bad.name}{said}", bad.remedy or run.remedy
    else:
        said = f": {run.message}" if run.message else ""
        message, remedy = f"{run.name} has failed{said}", run.remedy
    message = message if message.endswith((".", "!", "?")) else f"{message}."
    look = f"Look at `alongside runs log {run.id}`, then `alongside runs resume {run.id}`."
    error = RunFailed(message, remedy or look)
    error.run = run
    return error


def _act(id: str, verb: str) -> Operation[Run]:
    data = yield from ask(Call("POST", f"{_path(id)}/{verb}"))
    return understood(_RUN, data) if data is not None else (yield from get(id))


def _of_step(id: str, step: str, what: str, attempt: int | None, params: dict[str, str]) -> Call:
    if attempt is not None:
        params = params | {"attempt": str(attempt)}
    path = f"{_path(id)}/steps/{quote(step, safe='')}/{what}"
    return Call("GET", path, params, timeout=_LARGE)


def _path(id: str) -> str:
    return f"runs/{quote(id, safe='')}"
