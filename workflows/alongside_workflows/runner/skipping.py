"""Steps that are skipped when nothing has changed: examined before, remembered afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from alongside_workflows import digest
from alongside_workflows.journal import Ended
from alongside_workflows.model import Step
from alongside_workflows.runner.examining import Examination, Finding
from alongside_workflows.runs import RunSpec
from alongside_workflows.task import Outcome


class Skipping:
    """The examinations of one run. `index`: directory of the user's outcomes, "" is none."""

    def __init__(self, spec: RunSpec, index: str) -> None:
        self._spec = spec
        self._index = digest.Index(Path(index)) if index else None
        self._under_way: dict[str, Examination] = {}

    @property
    def busy(self) -> Mapping[str, object]:
        """Steps that are examined now."""
        return self._under_way

    @property
    def descriptors(self) -> Iterator[int]:
        """What becomes readable when one is over."""
        return (examination.reading for examination in self._under_way.values())

    def wanted(self, step: Step) -> bool:
        """Whether a step is to be examined before it begins."""
        return step.cache and self._index is not None

    def begin(self, step: Step, values: Mapping[str, JsonValue]) -> None:
        """Examine a step. Raises OSError."""
        assert self._index is not None
        flow = self._spec.workflow
        self._under_way[step.name] = Examination.of(step, values, flow, self._index)

    def over(self) -> list[tuple[str, Finding]]:
        """Those that have come to an end since; they are forgotten."""
        findings = [(name, one.result()) for name, one in self._under_way.items()]
        found = [(name, finding) for name, finding in findings if finding is not None]
        for name, _ in found:
            self._under_way.pop(name).close()
        return found

    def cancel(self) -> None:
        """End all of them; they are over soon."""
        for examination in self._under_way.values():
            examination.cancel()

    def keep(self, step: Step, event: Ended, known: str, told: Outcome) -> None:
        """Remember an outcome, so that it need not be computed again."""
        if self._index is None or step.attempted(event.attempt) is not step:
            return
        directory = self._spec.workflow.directory
        try:
            outputs = {
                str(digest.local(place, directory)): told.outputs[name]
                for name, place in step.outputs.items()
            }
            self._index.keep(
                known,
                digest.Outcome(
                    run=self._spec.id,
                    step=event.step,
                    attempt=event.attempt,
                    results=told.results,
                    outputs=outputs,
                ),
            )
        except (KeyError, digest.Unknowable, OSError) as error:
            print(f"{step.name} will be executed again: {error!r}", file=sys.stderr)
