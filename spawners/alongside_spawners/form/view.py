"""What the form shows, made of the service's answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alongside.units import format_duration, format_memory, parse_duration, parse_memory
from alongside_spawners.form.answers import field_name

AMOUNTS = ("cores", "memory", "gpus", "workers", "backends")
_FAR = 64  # where a slider ends when neither profile nor quota nor machine says
_GIB = 2**30


@dataclass(frozen=True)
class Slider:
    """A range; memory counts in MiB."""

    minimum: int
    maximum: int
    step: int
    value: int


@dataclass(frozen=True)
class Field:
    """One input. `widget`: ``number``, ``memory``, ``select``, ``check`` or ``text``."""

    name: str
    id: str
    path: str
    label: str
    hint: str
    widget: str
    value: str
    minimum: int | None = None
    maximum: int | None = None
    bounds: str = ""
    choices: tuple[str, ...] = ()
    slider: Slider | None = None


@dataclass(frozen=True)
class Group:
    """Inputs that count only when their mode is chosen, instead of the field `replaces`."""

    name: str
    id: str
    title: str
    label: str
    replaces: str
    on: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Size:
    """The part of the form for one kind of backend in one profile."""

    id: str
    profile: str
    kind: str
    title: str
    member: str
    platform: str
    required: bool
    ends: str
    keep_name: str
    keep: bool
    groups: tuple[Group, ...]
    fields: tuple[Field, ...]
    more: tuple[Field, ...]

    @property
    def counts(self) -> str:
        """The field that says how many members there are."""
        return f"{self.member}s"


@dataclass(frozen=True)
class Card:
    """One choice among several."""

    id: str
    value: str
    title: str
    lines: tuple[str, ...]
    chosen: bool


@dataclass(frozen=True)
class FormView:
    """All that the template needs; `data` is for the script."""

    profiles: tuple[Card, ...]
    kinds: tuple[Card, ...]
    sizes: tuple[Size, ...]
    remembered: bool
    problem: str
    shown: tuple[tuple[str, str, str], ...] = field(default=())
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, offers: Mapping[str, Any], last: Any) -> FormView:
        """The form for these offers. `last` is what was chosen before: anything, trusted in
        nothing."""
        catalogue, me = offers["catalogue"], offers["me"]
        profiles = catalogue["profiles"]
        before = Before.of(last, profiles)
        numbers = _numbers(me)
        sizes = tuple(_sizes(profiles, before, numbers))
        kinds = {k: o for p in profiles for k, o in p["backends"].items()}
        cards = [Card("alongside-kind-none", "", "Nothing", ("Start the session alone",), False)]
        cards += [
            Card(f"alongside-kind-{n}", k, o["title"], (o["description"],), False)
            for n, (k, o) in enumerate(kinds.items())
        ]
        ids = {card.value: card.id for card in cards}
        profile_ids = {p["name"]: f"alongside-profile-{n}" for n, p in enumerate(profiles)}
        return cls(
            profiles=tuple(
                Card(
                    profile_ids[p["name"]],
                    p["name"],
                    p["title"],
                    tuple(line for line in (_amounts(p["session"]), p["description"]) if line),
                    p["name"] == before.profile,
                )
                for p in profiles
            ),
            kinds=tuple(
                Card(c.id, c.value, c.title, c.lines, c.value == before.kind) for c in cards
            ),
            sizes=sizes,
            remembered=before.remembered,
            problem=str(catalogue.get("problem") or ""),
            shown=tuple((profile_ids[s.profile], ids[s.kind], s.id) for s in sizes),
            data={
                **numbers,
                "profiles": {
                    p["name"]: {
                        "session": {
                            "cores": p["session"].get("cores") or 0,
                            "memory": _bytes(p["session"].get("memory")),
                            "ends": _session_ends(p["session"].get("lifetime") or {}),
                        },
                        "platform": p["platform"],
                        "default": p["default"] or "",
                        "kinds": list(p["backends"]),
                    }
                    for p in profiles
                },
            },
        )


@dataclass(frozen=True)
class Before:
    """What was chosen last time, as far as it still makes sense."""

    profile: str
    kind: str
    backend: Mapping[str, Any]
    remembered: bool

    @classmethod
    def of(cls, last: Any, profiles: list[dict[str, Any]]) -> Before:
        """From anything at all."""
        last = last if isinstance(last, Mapping) else {}
        named = [p for p in profiles if p["name"] == last.get("profile")]
        first = (named or profiles or [{"name": "", "default": None, "backends": {}}])[0]
        backend = last.get("backend")
        kind = backend.get("kind") if isinstance(backend, Mapping) else None
        if isinstance(kind, str) and kind in first["backends"]:
            return cls(first["name"], kind, backend, True)
        alone = "backend" in last and backend is None
        chosen = "" if alone else first["default"] or ""
        return cls(first["name"], chosen, {}, bool(named) or alone)

    def option(self, path: str, default: Any) -> Any:
        """The value of one option last time, else the default."""
        value: Any = self.backend.get("options")
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        plain = isinstance(value, str | int | float | bool)
        return str(value)[:40] if plain else default

    def has(self, group: str) -> bool:
        """Whether an optional group of options was chosen."""
        options = self.backend.get("options")
        return isinstance(options, Mapping) and isinstance(options.get(group), Mapping)


def _sizes(
    profiles: list[dict[str, Any]], before: Before, numbers: Mapping[str, Any]
) -> Iterator[Size]:
    nothing = Before("", "", {}, False)
    for profile in profiles:
        for kind, offer in profile["backends"].items():
            same = (profile["name"], kind) == (before.profile, before.kind)
            yield _size(profile, kind, offer, before if same else nothing, numbers)


def _size(
    profile: Mapping[str, Any],
    kind: str,
    offer: Mapping[str, Any],
    before: Before,
    numbers: Mapping[str, Any],
) -> Size:
    schema = offer["schema"]
    place = _Place(profile["name"], kind, f"{offer['member']}s", numbers)
    fields, groups = [], []
    for path, raw in schema.get("properties", {}).items():
        inner = _optional_object(raw, schema)
        if inner is None:
            fields.append(place.field(path, raw, before))
            continue
        groups.append(
            Group(
                name=field_name("text", place.profile, kind, f"{path}@mode"),
                id=place.id(f"{path}-mode"),
                title=f"Number of {place.counts}",
                label=raw.get("title", path),
                replaces=place.counts,
                on=before.has(path),
                fields=tuple(
                    place.field(f"{path}.{name}", one, before)
                    for name, one in inner.get("properties", {}).items()
                ),
            )
        )
    return Size(
        id=place.id("size"),
        profile=place.profile,
        kind=kind,
        title=offer["title"],
        member=offer["member"],
        platform=profile["platform"],
        required=offer["required"],
        ends=_ends(offer["lifetime"]),
        keep_name=field_name("text", place.profile, kind, "@keep"),
        keep=before.backend.get("keep") is True,
        groups=tuple(groups),
        fields=tuple(fields),
        more=tuple(place.more(offer["lifetime"], before)),
    )


def _optional_object(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of an object that may be absent, None when the field is anything else."""
    for choice in raw.get("anyOf", ()):
        name = str(choice.get("$ref", "")).rpartition("/")[2]
        found: dict[str, Any] = schema.get("$defs", {}).get(name, choice)
        if found.get("type") == "object":
            return found
    return None


@dataclass(frozen=True)
class _Place:
    """Where in the form a field is, and what bounds its slider."""

    profile: str
    kind: str
    counts: str
    numbers: Mapping[str, Any]

    def id(self, path: str) -> str:
        # an id of a page: no quotes or spaces, and the same ones only for the same thing
        text = f"{self.profile}-{self.kind}-{path}"
        return "alongside-" + "".join(c if c.isalnum() else f"_{ord(c):x}_" for c in text)

    def field(self, path: str, raw: Mapping[str, Any], before: Before) -> Field:
        memory = raw.get("format") == "memory"
        number = raw.get("type") == "integer"
        default = raw.get("default", "")
        value = str(before.option(path, _text(default, memory)))
        low, high = raw.get("minimum"), raw.get("maximum")
        if memory:
            low, high = raw.get("x-minimum"), raw.get("x-maximum")
        choices = tuple(str(c) for c in raw.get("enum", ()))
        widget = (
            "memory" if memory
            else "number" if number
            else "select" if choices
            else "check" if raw.get("type") == "boolean"
            else "text"
        )  # fmt: skip
        slider = self._slider(path, widget, value, low, high)
        return Field(
            name=field_name("number" if number else "text", self.profile, self.kind, path),
            id=self.id(path),
            path=path,
            label=raw.get("title", path),
            hint=raw.get("description", ""),
            widget=widget,
            value=value,
            minimum=low,
            maximum=high,
            bounds=_bounds(low, high, memory),
            choices=choices,
            slider=slider,
        )

    def _slider(
        self, path: str, widget: str, value: str, low: int | None, high: int | None
    ) -> Slider | None:
        if low is not None and low == high:
            return None
        limits, whole = self.numbers["limits"], self.numbers["whole"]
        if widget == "number":
            amount = "workers" if path == self.counts or "." in path else path
            ends = [high, limits.get(amount), whole.get("cores")]
            most = min((int(e) for e in ends if e), default=_FAR)
            start = low or 0
            now = int(value) if value.lstrip("-").isdigit() else start
            return Slider(start, max(most, start + 1, now), 1, now) if now < 10**9 else None
        if widget == "memory":
            ends = [high, limits.get("memory"), whole.get("memory"), _FAR * _GIB]
            most = min(int(e) for e in ends if e)
            least = low or _GIB // 4
            step = 1024 if most > 32 * _GIB else 256
            now = max(least, _bytes(value, least))
            return Slider(-(-least // 2**20), max(most, least, now) // 2**20, step, now // 2**20)
        return None

    def more(self, lifetime: Mapping[str, Any], before: Before) -> Iterator[Field]:
        """The fields that most people leave alone."""
        chosen = before.backend.get("lifetime")
        given = chosen if isinstance(chosen, Mapping) else {}
        for path, label, hint, value in (
            ("@name", "Name", "As it is shown in the panel; default: its kind.",
             before.backend.get("name")),
            ("@lifetime.idle", "Ends without work after", _at_most(lifetime.get("idle")),
             given.get("idle")),
            ("@lifetime.maximum", "Ends at the latest after", _at_most(lifetime.get("maximum")),
             given.get("maximum")),
        ):  # fmt: skip
            yield Field(
                name=field_name("text", self.profile, self.kind, path),
                id=self.id(path),
                path=path,
                label=label,
                hint=hint,
                widget="text",
                value=value[:63] if isinstance(value, str) else "",
            )


def _numbers(me: Mapping[str, Any]) -> dict[str, Any]:
    """Limits, use and capacity as plain numbers."""
    limits = dict(me["limits"])
    if limits.get("memory") is not None:
        limits["memory"] = _bytes(limits["memory"])
    free = {name: dict(c["free"]) for name, c in me["capacity"].items()}
    total = {name: dict(c["total"]) for name, c in me["capacity"].items()}
    largest = {a: max((t.get(a, 0) for t in total.values()), default=0) for a in AMOUNTS}
    return {
        "limits": {name: limit for name, limit in limits.items() if limit is not None},
        "used": dict(me["used"]),
        "free": free,
        "total": total,
        "whole": largest,
    }


def _bytes(value: Any, default: int = 0) -> int:
    """Memory in bytes, whatever it is written as."""
    try:
        return parse_memory(value)
    except ValueError:
        return default


def _text(default: Any, memory: bool) -> str:
    if default is None:
        return ""
    return format_memory(default) if memory and isinstance(default, int) else str(default)


def _bounds(low: int | None, high: int | None, memory: bool) -> str:
    """``From 1 to 8.``, ``At most 4 GiB.``, or nothing."""
    shown = [format_memory(b) if memory and b else b for b in (low, high)]
    if low is not None and low == high:
        return "Set by the profile."
    if low is not None and high is not None:
        return f"From {shown[0]} to {shown[1]}."
    if high is not None:
        return f"At most {shown[1]}."
    return f"At least {shown[0]}." if low is not None else ""


def _amounts(session: Mapping[str, Any]) -> str:
    """``2 cores · 4 GiB``."""
    cores, memory = session.get("cores"), _bytes(session.get("memory"))
    parts = [f"{cores} core{'s' if cores != 1 else ''}"] if cores else []
    return " · ".join(parts + ([format_memory(memory)] if memory else []))


def _ends(lifetime: Mapping[str, Any]) -> str:
    """When it ends anyway."""
    idle, most = lifetime.get("idle"), lifetime.get("maximum")
    parts = [f"after {_span(idle)} without work"] if idle else []
    parts += [f"at the latest after {_span(most)}"] if most else []
    return f"or {', '.join(parts)}" if parts else ""


def _session_ends(lifetime: Mapping[str, Any]) -> str:
    """When the session ends anyway."""
    idle, most = lifetime.get("idle"), lifetime.get("maximum")
    parts = [f"after {_span(idle)} without use"] if idle else []
    parts += [f"{'at the latest ' if idle else ''}after {_span(most)}"] if most else []
    return f"Session ends {', '.join(parts)}." if parts else ""


def _at_most(span: Any) -> str:
    return f"At most {_span(span)}." if span else "For example 30 min or 8 h; empty: never."


def _span(span: Any) -> str:
    return format_duration(parse_duration(span))
