"""What made what, over all runs whose records are known. Pure.

A record tells of each step what it has read and made, by hash. What one has made and another one
has read is the same when its hash is, wherever it lay; values that a step takes, and the memory of
one that it is joined with, come from the same run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter, ValidationError

from alongside.models import Record, now

_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_ABOUT = {
    "backend kind": "backend",
    "backend members": "members",
    "host": "host",
    "attempt": "attempt",
}


class File(Record):
    """A file or a directory, as it was when a step read or made it."""

    name: str = Field("", description="What the step calls it.")
    place: str = Field(description="Its URL; of what lies with the run, a path in its record.")
    sha256: str = ""
    now: Literal["", "same", "changed", "missing"] = Field(
        "", description="How what lies there now compares with it; '' if nobody has looked."
    )


class Act(Record):
    """A step that has succeeded: what it has made of what, and by which means."""

    run: str
    workflow: str
    step: str
    owner: str = Field("", description="Whose run it is.")
    origin: str = Field("", description="What submitted it, if no person did: `schedule nightly`.")
    executor: str = Field("", description="Who carried it out: `local`, `argo`.")
    attempt: int = 1
    started: AwareDatetime
    ended: AwareDatetime
    code: File = Field(description="The notebook; of a command its words, without a hash.")
    software: dict[str, str] = Field({}, description="Names and versions.")
    image: str = ""
    host: str = Field("", description="The machine or pod that its process was on.")
    backend: str = Field("", description="The kind of its backend; '' if it had none.")
    members: int = Field(0, description="Members that its backend had.")
    values: dict[str, JsonValue] = Field({}, description="Its parameters.")
    results: dict[str, JsonValue] = Field({}, description="Values that it has left.")
    read: tuple[File, ...] = ()
    made: tuple[File, ...] = ()
    after: tuple[tuple[str, str], ...] = Field(
        (), description="Whose values or memory it has used: run and step."
    )

    @property
    def key(self) -> tuple[str, str]:
        """Which of all acts it is."""
        return self.run, self.step

    def has_read(self, hash: str) -> bool:
        return any(file.sha256 == hash for file in (*self.read, self.code) if hash)

    def has_made(self, hash: str) -> bool:
        return any(file.sha256 == hash for file in self.made if hash)


class Trace(Record):
    """What made a file, or what was made of it."""

    file: File
    derived: bool = Field(False, description="Whether it tells what was made of the file.")
    acts: tuple[Act, ...] = Field(description="What made it first, or was made first.")
    runs: int = Field(description="Runs whose records were read.")
    more: int = Field(0, description="Earlier runs that were not looked at.")
    others: int = Field(0, description="Steps of it that `only` has left out.")

    def only(
        self,
        *,
        step: str = "*",
        code: str = "*",
        since: datetime | str | None = None,
        until: datetime | str | None = None,
    ) -> Trace:
        """The same with these steps alone; in names ``*`` and ``?`` stand for anything.

        - `step`: name of the step, or of its workflow
        - `code`: name or path of its notebook; of a command its program
        - `since`, `until`: when it ended: a moment, ``"2026-11-22 14:00"``, or ``"2 d"`` ago

        Raises InvalidRequest for what is no time.
        """
        from alongside_workflows.trace_filter import matching, moment

        began, ended = (None if one is None else moment(one, now()) for one in (since, until))
        acts = matching(self.acts, step=step, code=code, since=began, until=ended)
        others = self.others + len(self.acts) - len(acts)
        return self.model_copy(update={"acts": acts, "others": others})

    def _repr_html_(self) -> str:
        from alongside_workflows.trace_views import fragment

        return fragment(self)


def back(file: File, acts: Sequence[Act]) -> list[Act]:
    """The acts that this file goes back to, the last one first."""
    makers = _by_hash((made, act) for act in acts for made in act.made)
    known = {act.key: act for act in acts}

    def sources(act: Act) -> Iterator[Act]:
        for one in (*act.read, act.code):
            earlier = [o for o in makers.get(one.sha256, ()) if o.ended <= act.started]
            yield from _maker(one, earlier)
        yield from (known[key] for key in act.after if key in known)

    return _reached(_maker(file, makers.get(file.sha256, ())), sources, latest_first=True)


def onward(file: File, acts: Sequence[Act]) -> list[Act]:
    """The acts that have used this file, or what was made of it; the first one first."""
    users = _by_hash((one, act) for act in acts for one in (*act.read, act.code))
    after: dict[tuple[str, str], list[Act]] = {}
    for act in acts:
        for key in act.after:
            after.setdefault(key, []).append(act)

    def uses(act: Act) -> Iterator[Act]:
        for made in act.made:
            yield from (o for o in users.get(made.sha256, ()) if o.started >= act.ended)
        yield from after.get(act.key, ())

    return _reached(users.get(file.sha256, ()), uses, latest_first=False)


def _by_hash(found: Iterable[tuple[File, Act]]) -> dict[str, list[Act]]:
    by_hash: dict[str, list[Act]] = {}
    for file, act in found:
        if file.sha256:
            by_hash.setdefault(file.sha256, []).append(act)
    return by_hash


def _maker(file: File, makers: Sequence[Act]) -> list[Act]:
    """Who of these has made it: the last one that has put it there, else the last one at all."""
    there = [act for act in makers if any(made.place == file.place for made in act.made)]
    return [max(there or makers, key=lambda act: act.ended)] if makers else []


def _reached(
    first: Sequence[Act], neighbours: Callable[[Act], Iterable[Act]], *, latest_first: bool
) -> list[Act]:
    found = {act.key: act for act in first}
    left = [*found.values()]
    while left:
        for act in neighbours(left.pop()):
            if act.key not in found:
                found[act.key] = act
                left.append(act)
    return sorted(found.values(), key=lambda act: act.ended, reverse=latest_first)


# -- reading records -----------------------------------------------------------------------


def acts_of(run: str, record: Mapping[str, Any]) -> list[Act]:
    """The steps that have succeeded, by the record of a run; what can't be read is passed over."""
    graph = record.get("@graph")
    found = [entity for entity in graph if isinstance(entity, dict)] if graph else []
    reader = _Reader({str(entity.get("@id")): entity for entity in found})
    acts = []
    for entity in found:
        step = _step_of(str(entity.get("@id")))
        status = str((entity.get("actionStatus") or {}).get("@id", "")) if step else ""
        if step and status.endswith("/CompletedActionStatus"):
            try:
                acts.append(reader.act(run, step, entity))
            except ValidationError:
                continue
    return acts


def _step_of(id: str) -> str:
    """The step whose attempt this is; '' for other entities."""
    if id.startswith("#steps/") and id.endswith("/attempt"):
        return id.removeprefix("#steps/").removesuffix("/attempt")
    return ""


class _Reader:
    def __init__(self, entities: Mapping[str, dict[str, Any]]) -> None:
        self._entities = entities
        definition = entities.get("#definition", {})
        self._workflow = str(definition.get("name", ""))
        self._after = _uses(str(definition.get("text", "")))

    def act(self, run: str, step: str, action: Mapping[str, Any]) -> Act:
        """Raises ValidationError."""
        read, made = self._all(action.get("object")), self._all(action.get("result"))
        (instrument, *_) = self._all(action.get("instrument")) or [{}]
        (image, *_) = self._all(action.get("containerImage")) or [{}]
        about = _values(self._all(action.get("additionalProperty")))
        return Act(
            run=run,
            workflow=self._workflow,
            step=step,
            started=_MOMENT.validate_python(action.get("startTime")),
            ended=_MOMENT.validate_python(action.get("endTime")),
            code=_code(instrument),
            software={
                str(one.get("name")): str(one.get("softwareVersion", ""))
                for one in self._all(instrument.get("softwareRequirements"))
            },
            image=_image(image),
            values=_values(read),
            results=_values(made),
            read=_files(read),
            made=_files(made),
            after=tuple((self._run_of(run, name), name) for name in self._after.get(step, ())),
            **{field: about[name] for name, field in _ABOUT.items() if name in about},
        )

    def _run_of(self, run: str, step: str) -> str:
        """In which run this step was done: an earlier one if it was skipped as unchanged."""
        return str(self._entities.get(f"#step-{step}", {}).get("isBasedOn") or run)

    def _all(self, value: Any) -> list[dict[str, Any]]:
        """The entities that are referred to."""
        references = value if isinstance(value, list) else [value]
        ids = [str(one.get("@id")) for one in references if isinstance(one, dict)]
        return [self._entities[id] for id in ids if id in self._entities]


def _uses(definition: str) -> dict[str, tuple[str, ...]]:
    """Whose values or memory each step uses, by the definition of the workflow."""
    try:
        steps = json.loads(definition)["steps"]
        return {str(step["name"]): _used(step) for step in steps}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _used(step: Mapping[str, Any]) -> tuple[str, ...]:
    taken = [str(source).partition(".")[0] for source in step.get("takes", {}).values()]
    joined = [str(step["joined"])] if step.get("joined") else []
    return tuple(dict.fromkeys([*taken, *joined]))


def _code(entity: Mapping[str, Any]) -> File:
    id, name = str(entity.get("@id", "")), str(entity.get("name", ""))
    hash = str(entity.get("sha256", ""))
    return File(name=name, place=id if hash else str(entity.get("description", "")), sha256=hash)


def _files(entities: Iterable[Mapping[str, Any]]) -> tuple[File, ...]:
    return tuple(
        File(
            name=str(entity.get("name", "")),
            place=str(entity.get("url") or entity.get("@id")),
            sha256=str(entity["sha256"]),
        )
        for entity in entities
        if entity.get("sha256")
    )


def _values(entities: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        str(entity.get("name")): entity.get("value")
        for entity in entities
        if entity.get("@type") == "PropertyValue"
    }


def _image(entity: Mapping[str, Any]) -> str:
    name = "/".join(str(entity[part]) for part in ("registry", "name") if entity.get(part))
    tag, hash = entity.get("tag"), entity.get("sha256")
    return name + (f":{tag}" if tag else "") + (f"@sha256:{hash}" if hash else "")


__all__ = ["Act", "File", "Trace", "acts_of", "back", "onward"]
