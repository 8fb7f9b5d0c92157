"""The inputs of the form and their bounds, from the JSON schema of a kind's options. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alongside.units import format_memory
from alongside_spawners.form.amounts import AMOUNTS, bytes_of
from alongside_spawners.form.answers import field_name
from alongside_spawners.form.before import Before
from alongside_spawners.form.lifetimes import at_most

_ANY_GPUS = 64  # the kind's own bound: the profile does not speak of them
_FAR = 64  # where a slider ends when neither profile nor quota nor machine says
_GIB = 2**30
_ENDLESS = 10**9  # a bound that keeps nonsense out, and that nobody needs to be told


@dataclass(frozen=True)
class Slider:
    """A range; memory counts in MiB."""

    minimum: int
    maximum: int
    step: int
    value: int


@dataclass(frozen=True)
class Field:
    """One input. `widget`: ``number``, ``memory``, ``select``, ``check`` or ``text``.

    `needs`: what one of it takes of the members (``x-needs`` of its schema), for a suggestion how
    many to choose.
    """

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
    needs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Place:
    """Where in the form a field is, and what bounds its slider."""

    profile: str
    kind: str
    counts: str
    numbers: Mapping[str, Any]

    def id(self, path: str) -> str:
        """The id of an input on the page."""
        # an id of a page: no quotes or spaces, and the same ones only for the same thing
        text = f"{self.profile}-{self.kind}-{path}"
        return "alongside-" + "".join(c if c.isalnum() else f"_{ord(c):x}_" for c in text)

    def shows(self, path: str, raw: Mapping[str, Any]) -> bool:
        """Whether an option has an input: not what a form can't ask, nor what can't be had."""
        if raw.get("format") == "hidden":
            return False
        if path != "gpus" or raw.get("minimum") or raw.get("default"):
            return True
        # Where nobody counts GPUs, the profile's own bound says that there are some.
        some = self.numbers["whole"].get(path) or raw.get("maximum", _ANY_GPUS) < _ANY_GPUS
        return bool(some) and 0 not in (self.numbers["limits"].get(path), raw.get("maximum"))

    def field(self, path: str, raw: Mapping[str, Any], before: Before) -> Field:
        """The input for one option, from its JSON schema."""
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
            needs=raw.get("x-needs"),
        )

    def _slider(
        self, path: str, widget: str, value: str, low: int | None, high: int | None
    ) -> Slider | None:
        if low is not None and low == high:
            return None
        limits, whole = self.numbers["limits"], self.numbers["whole"]
        if widget == "number":
            amount = "workers" if path == self.counts or "." in path else path
            if amount not in AMOUNTS:
                return None  # a count of something else: no end of it is known
            ends = [high, limits.get(amount), whole.get("gpus" if path == "gpus" else "cores")]
            most = min((int(e) for e in ends if e), default=_FAR)
            start = low or 0
            now = int(value) if value.lstrip("-").isdigit() else start
            return Slider(start, max(most, start + 1, now), 1, now) if now < 10**9 else None
        if widget == "memory":
            ends = [high, limits.get("memory"), whole.get("memory"), _FAR * _GIB]
            most = min(int(e) for e in ends if e)
            least = low or _GIB // 4
            step = 1024 if most > 32 * _GIB else 256
            now = max(least, bytes_of(value, least))
            return Slider(-(-least // 2**20), max(most, least, now) // 2**20, step, now // 2**20)
        return None

    def more(self, lifetime: Mapping[str, Any], before: Before) -> Iterator[Field]:
        """The fields that most people leave alone."""
        chosen = before.backend.get("lifetime")
        given = chosen if isinstance(chosen, Mapping) else {}
        for path, label, hint, value in (
            ("@name", "Name", "As it is shown in the panel; default: its kind.",
             before.backend.get("name")),
            ("@lifetime.idle", "Ends without work after", at_most(lifetime.get("idle")),
             given.get("idle")),
            ("@lifetime.maximum", "Ends at the latest after", at_most(lifetime.get("maximum")),
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


def optional_object(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of an object that may be absent, None when the field is anything else."""
    for choice in raw.get("anyOf", ()):
        name = str(choice.get("$ref", "")).rpartition("/")[2]
        found: dict[str, Any] = schema.get("$defs", {}).get(name, choice)
        if found.get("type") == "object":
            return found
    return None


def _text(default: Any, memory: bool) -> str:
    if default is None:
        return ""
    return format_memory(default) if memory and isinstance(default, int) else str(default)


def _bounds(low: int | None, high: int | None, memory: bool) -> str:
    """``From 1 to 8.``, ``At most 4 GiB.``, or nothing."""
    if not memory and low == 0 and high is not None and high >= _ENDLESS:
        return ""
    shown = [format_memory(b) if memory and b else b for b in (low, high)]
    if low is not None and low == high:
        return "Set by the profile."
    if low is not None and high is not None:
        return f"From {shown[0]} to {shown[1]}."
    if high is not None:
        return f"At most {shown[1]}."
    return f"At least {shown[0]}." if low is not None else ""
