"""What a run does next: a pure function of how far it has come and of the moment.

A step begins when all before it have succeeded, no more than `parallel` at the same time, and no
more in a span of time than `throttle` says. A step that has failed is tried again as its `retry`
says; when that is used up, what is below it does not begin any more, but other branches go on to
their end, and then the run has failed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from alongside.units import format_duration
from alongside_workflows.course import Course
from alongside_workflows.journal import Finished
from alongside_workflows.runs import State

ASKED = "It was cancelled."


@dataclass(frozen=True)
class Decision:
    """What is to be done now.

    start : steps whose next attempt begins
    cancel : why the run is to be cancelled, "" if it isn't (or is already)
    finish : the run is over
    wake : when to ask again although nothing has happened
    """

    start: tuple[str, ...] = ()
    cancel: str = ""
    finish: Finished | None = None
    wake: datetime | None = None


def decide(
    course: Course, now: datetime, *, asked: bool = False, busy: Collection[str] = ()
) -> Decision:
    """What to do next.

    asked : whether somebody wants the run to be cancelled
    busy : steps that are being prepared and have not begun yet; they count as running
    """
    if course.state.final:
        return Decision()
    if course.cancelling:
        return Decision(finish=None if course.open or busy else _finish(course, now))
    if not course.open and not busy and not course.pausing and not course.ready:
        return Decision(finish=_finish(course, now))
    deadline = _deadline(course)
    if asked:
        return Decision(cancel=ASKED)
    if deadline is not None and now >= deadline:
        assert course.workflow.timeout is not None
        return Decision(cancel=f"It took longer than {format_duration(course.workflow.timeout)}.")
    room = course.workflow.parallel - len(course.open) - len(busy)
    allowed, again = _allowed(course, now, len(busy))
    throttled = allowed < room
    room = min(room, allowed)
    due = sorted((when, name) for name, when in course.pausing.items() if name not in busy)
    start = [name for when, name in due if when <= now][: max(0, room)]
    fresh = (name for name in course.ready if name not in busy)
    start += islice(fresh, max(0, room - len(start)))
    moments = [when for when, _ in due if when > now][:1]
    if deadline is not None:
        moments.append(deadline)
    if throttled and again is not None:
        moments.append(again)
    return Decision(start=tuple(start), wake=min(moments, default=None))


def _allowed(course: Course, now: datetime, busy: int) -> tuple[int, datetime | None]:
    """How many attempts may begin now by the throttle, and when there may be more."""
    throttle = course.workflow.throttle
    if throttle is None:
        return course.workflow.parallel, None
    # what is later than now was before the clock was set back
    recent = [begun for begun in course.starts if now - throttle.per < begun <= now]
    more = min(recent) + throttle.per if recent else None
    return max(0, throttle.starts - len(recent) - busy), more


def _deadline(course: Course) -> datetime | None:
    limit = course.workflow.timeout
    return course.since + limit if limit is not None and course.since is not None else None


def _finish(course: Course, now: datetime) -> Finished:
    if all(run.state is State.SUCCEEDED for run in course.runs.values()):
        return Finished(time=now, state=State.SUCCEEDED)
    if course.cancelling:
        return Finished(
            time=now,
            state=State.CANCELLED,
            message=course.cancelling,
            remedy="Resume it to go on with the steps that have not succeeded.",
        )
    first = next(iter(course.failed))
    others = f" So have {len(course.failed) - 1} more." if len(course.failed) > 1 else ""
    return Finished(
        time=now,
        state=State.FAILED,
        message=f"Step {first!r} has failed: {course.runs[first].message}{others}",
        remedy=course.runs[first].remedy
        or "Look at its log; then resume the run, which repeats nothing that has succeeded.",
    )


__all__ = ["ASKED", "Decision", "decide"]
