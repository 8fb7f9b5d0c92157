"""What one attempt of a step is told, and what it tells: the files in its folder.

An executor writes `TASK` into an empty folder and starts ``python -m alongside_workflows.step
FOLDER``, wherever that may be. The process writes `PROGRESS` as it goes and `OUTCOME` last, each
replaced as a whole; an attempt without an outcome whose process is gone has failed. The exit code
says the same as the outcome.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from alongside.models import Record
from alongside.units import Duration
from alongside_workflows.model import Step

TASK, PROGRESS, OUTCOME = "task.json", "progress.json", "outcome.json"
OUTPUT, LOG, CRATE = "output.ipynb", "log.txt", "ro-crate-metadata.json"
TOKEN = "token"  # noqa: S105  (the name of a file)
"""The file with the token by which the attempt asks the service; mode 0600, never an argument."""

# Exit codes: what a shell or a pod shows of an attempt.
SUCCEEDED, FAILED, BAD_INPUT = 0, 1, 2
TIMED_OUT, DEAD_KERNEL, NO_BACKEND = 124, 125, 126
CANCELLED = 143  # as of a process that ended by SIGTERM


class Task(Record):
    """One attempt of one step: all that its process needs to know."""

    run: str = Field(description="Id of the run.")
    workflow: str = Field(description="Name of the workflow.")
    owner: str
    step: Step = Field(
        description="As defined; `parameters` and `takes` are in `values` already, "
        "but for what it takes from steps that it is joined with."
    )
    attempt: int = 1
    notebook: dict[str, JsonValue] | None = Field(
        None, description="The notebook itself, if it has travelled with the definition."
    )
    instead: dict[str, JsonValue] | None = Field(
        None, description="The notebook that its `retry` names, if that has travelled."
    )
    values: dict[str, JsonValue] = Field({}, description="All parameters, none a reference.")
    optional: tuple[str, ...] = Field(
        (), description="Parameters of the workflow: set where the notebook has them."
    )
    directory: str = Field("", description="Where relative paths begin; '' is the user's home.")
    api: str = Field("", description="The service's address, for a backend; '' is none.")
    wait: Duration = Field(
        timedelta(minutes=15),
        description="How long a backend is waited for that the step names; its own says it itself.",
    )
    digest: str = ""
    image: str = Field("", description="The container image that it runs in, with its digest.")
    joined: str = Field(
        "",
        description="Folder of the attempt that goes on in its kernel, seen from its own; '' is "
        "none. The same process carries that out when this has succeeded.",
    )

    def executed(self) -> Task:
        """The same, with the step that this attempt executes: its `retry` may name another."""
        step = self.step.attempted(self.attempt)
        if step is self.step:
            return self
        return self.model_copy(update={"step": step, "notebook": self.instead})


class Progress(Record):
    """How far the attempt is."""

    phase: Literal["staging", "waiting", "executing", "collecting"] = "staging"
    message: str = Field("", description="What it does or waits for, as a sentence.")
    cell: int | None = Field(None, description="Code cell that is executed, from 1.")
    cells: int | None = None
    backend: str = ""
    time: AwareDatetime


class Spent(Record):
    """Where the time of an attempt has gone: seconds that add up to all of it.

    What lies where the step runs is used in place: only what comes from elsewhere is staged.
    """

    staging_in: float = Field(0.0, description="Seconds to bring notebook and inputs.")
    bytes_in: int = Field(0, description="Bytes that were brought.")
    waiting: float = Field(0.0, description="Seconds that its backend was waited for.")
    computing: float = Field(0.0, description="All other seconds: the kernel's start too.")
    staging_out: float = Field(0.0, description="Seconds to put outputs where they belong.")
    bytes_out: int = Field(0, description="Bytes that were put elsewhere.")

    @property
    def bandwidth_in(self) -> float:
        """Bytes a second; 0 when nothing was brought."""
        return self.bytes_in / self.staging_in if self.bytes_in and self.staging_in else 0.0

    @property
    def bandwidth_out(self) -> float:
        """Bytes a second; 0 when nothing was put elsewhere."""
        return self.bytes_out / self.staging_out if self.bytes_out and self.staging_out else 0.0


class Outcome(Record):
    """How the attempt has ended."""

    exit_code: int
    message: str = Field("", description="Why it has failed: a sentence that names the cell.")
    remedy: str = ""
    results: dict[str, JsonValue] = {}
    outputs: dict[str, str] = Field({}, description="SHA-256 of each output, by its name.")
    inputs: dict[str, str] = Field({}, description="SHA-256 of each input, by its name.")
    backend: str = ""
    cell: int | None = Field(None, description="The last code cell that was begun, from 1.")
    cells: int | None = None
    spent: Spent | None = None
    ended: AwareDatetime

    @property
    def succeeded(self) -> bool:
        return self.exit_code == SUCCEEDED


class StepBackend(Record):
    """What the service answers when an attempt asks for its backend."""

    id: str = ""
    ready: bool = Field(False, description="Whether as many members are there as were wanted.")
    failed: bool = Field(False, description="Whether waiting is of no use.")
    message: str = Field("", description="What it waits for, as a sentence: the queue's reason.")
    remedy: str = ""
    kind: str = ""
    name: str = ""
    members: int = Field(0, description="Members (workers, locales) that can be used.")
    wanted: int = 0
