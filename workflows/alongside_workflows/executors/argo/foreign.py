"""Templates that others have written, as what our steps are. Pure.

A container becomes a command in its image; a script the same, its source as an argument of its
interpreter; a resource that makes a `DaskJob` a command on a Dask backend of its own. References to
parameters become `{name}` in the command's words. What can't be taken is told, with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from alongside import strict_yaml
from alongside.errors import InvalidRequest
from alongside.units import parse_duration, parse_memory

Fields = dict[str, Any]
"""Fields of a `model.Step`, before validation."""

_REFERENCE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_PROGRAM_OF = {
    "-c": re.compile(r"(python|sh|bash|ash|dash|zsh)[\d.]*"),
    "-e": re.compile(r"(node|perl|ruby|Rscript)[\d.]*"),
}
_CONTAINER = {"image", "command", "args", "env", "resources", "volumeMounts"}
_HARMLESS = {"name", "imagePullPolicy", "metadata", "serviceAccountName"}
_TEMPLATE = {"inputs", "container", "script", "resource", "retryStrategy", "volumes"} | {
    "activeDeadlineSeconds"
}


@dataclass
class Pods:
    """What the pods of all steps have besides: our model has it once for all of them."""

    volumes: dict[str, Fields] = field(default_factory=dict)
    mounts: dict[str, Fields] = field(default_factory=dict)

    def add(self, volumes: Any, mounts: Any, place: str) -> None:
        """Take these over. Raises InvalidRequest where two get in each other's way."""
        for known, key, items in (
            (self.volumes, "name", volumes),
            (self.mounts, "mountPath", mounts),
        ):
            for item in items or ():
                if known.setdefault(str(item.get(key)), item) != item:
                    raise cant(place, f"two different volumes at {item.get(key)!r}")


def cant(place: str, what: str, remedy: str = "") -> InvalidRequest:
    """The error of something that we can't take over."""
    return InvalidRequest(
        f"{place}: {what} can't be taken over.",
        remedy or "Take it out, or write the step in Alongside's own way.",
        place,
    )


def check_keys(given: Mapping[str, Any], known: set[str], place: str) -> None:
    """Raise InvalidRequest for what is there and not known; what is empty doesn't count."""
    odd = [key for key, value in given.items() if key not in known and value not in (None, {}, [])]
    if odd:
        raise cant(place, ", ".join(f"`{key}`" for key in sorted(odd)))


class Texts:
    """Texts of a template with references, for one task's arguments.

    given : the values of the template's inputs, by their names
    constants : those of the workflow's parameters
    """

    def __init__(self, given: Mapping[str, Any], constants: Mapping[str, Any], place: str) -> None:
        self.used: dict[str, str] = {}
        """Parameters that stand in words, with their values."""
        self._given = given
        self._constants = constants
        self._place = place

    def word(self, text: Any) -> str:
        """A word of a command of ours: references are `{name}`, braces are doubled."""
        return self._replaced(plain(text), self._placeholder, _doubled)

    def value(self, text: Any) -> str:
        """A text in which nothing stays open."""
        return self._replaced(plain(text), self._resolved, str)

    def _replaced(
        self, text: str, reference: Callable[[str], str], literal: Callable[[str], str]
    ) -> str:
        pieces = _REFERENCE.split(text)
        return "".join(
            reference(piece) if number % 2 else literal(piece)
            for number, piece in enumerate(pieces)
        )

    def _placeholder(self, reference: str) -> str:
        name = re.sub(r"\W", "_", reference.rpartition(".")[2])
        if not re.match(r"[^\W\d]", name):
            name = f"_{name}"
        value = self._resolved(reference)
        if self.used.setdefault(name, value) != value:
            raise cant(self._place, f"two parameters called {name!r}")
        return f"{{{name}}}"

    def _resolved(self, reference: str) -> str:
        scope, _, name = reference.rpartition(".")
        if scope == "inputs.parameters" and name in self._given:
            # an argument may itself refer to something, but to no input
            constants = Texts({}, self._constants, self._place)
            return constants.value(self._given[name])
        if scope == "workflow.parameters" and name in self._constants:
            return plain(self._constants[name])
        hint = ""
        if reference.startswith(("tasks.", "steps.")):
            hint = "Let the earlier step write `results`, and use `takes` in the later one."
        raise cant(self._place, f"the reference {{{{{reference}}}}}", hint)


def plain(value: Any) -> str:
    """As Argo reads a value."""
    return value if isinstance(value, str) else json.dumps(value)


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


# -- templates ---------------------------------------------------------------------------------


def step_of(template: Mapping[str, Any], texts: Texts, pods: Pods, place: str) -> Fields:
    """What a step of this template is, but for its name and place. Raises InvalidRequest."""
    if template.keys() & {"container", "script", "resource"}:
        check_keys(template, _TEMPLATE | _HARMLESS, place)
    pods.add(template.get("volumes"), (), place)
    if "container" in template:
        fields = _container(template["container"], texts, pods, f"{place}.container", source=None)
    elif "script" in template:
        script = dict(template["script"])
        source = script.pop("source", "")
        fields = _container(script, texts, pods, f"{place}.script", source=plain(source))
    elif "resource" in template:
        fields = _resource(template["resource"], texts, pods, f"{place}.resource")
    else:
        what = ", ".join(f"`{key}`" for key in sorted(template.keys() - _HARMLESS - {"inputs"}))
        raise cant(place, what or "an empty template")
    if limit := template.get("activeDeadlineSeconds"):
        fields["timeout"] = _seconds(texts.value(limit), place)
    if strategy := template.get("retryStrategy"):
        fields["retry"] = _retry(strategy, place)
    return fields | ({"parameters": texts.used} if texts.used else {})


def _container(
    given: Mapping[str, Any], texts: Texts, pods: Pods, place: str, source: str | None
) -> Fields:
    check_keys(given, _CONTAINER | _HARMLESS, place)
    pods.add((), given.get("volumeMounts"), place)
    words = [texts.word(word) for word in given.get("command") or ()]
    if not words:
        raise cant(place, "a container without `command`", "Name the program that it runs.")
    if source is None:
        words += [texts.word(word) for word in given.get("args") or ()]
    else:
        words += [_flag(words[0], place), texts.word(source)]
    fields: Fields = {"command": words, "image": texts.value(given.get("image") or "") or None}
    environment = {}
    for item in given.get("env") or ():
        check_keys(item, {"name", "value"}, f"{place}.env")
        environment[item["name"]] = texts.value(item.get("value", ""))
    if environment:
        fields["environment"] = environment
    if amounts := _amounts(given.get("resources") or {}, place):
        fields["resources"] = amounts
    return fields


def _flag(program: str, place: str) -> str:
    """After which an interpreter takes its source as an argument."""
    for flag, names in _PROGRAM_OF.items():
        if names.fullmatch(PurePosixPath(program).name):
            return flag
    raise cant(place, f"a script for {program!r}", "Use a container that has the script in it.")


def _resource(given: Mapping[str, Any], texts: Texts, pods: Pods, place: str) -> Fields:
    """A `DaskJob`: its job is the step, its cluster the step's backend."""
    check_keys(given, {"action", "manifest", "setOwnerReference"} | _CONDITIONS, place)
    text = texts.value(given.get("manifest") or "")
    manifest = strict_yaml.load(text, f"{place}.manifest", InvalidRequest)
    if not isinstance(manifest, dict) or manifest.get("kind") != "DaskJob":
        raise cant(f"{place}.manifest", "anything but a DaskJob")
    if given.get("action") not in ("create", "apply"):
        raise cant(f"{place}.action", f"{given.get('action')!r}")
    try:
        job = manifest["spec"]["job"]["spec"]
        (main,) = job["containers"]
        workers = manifest["spec"]["cluster"]["spec"]["worker"].get("replicas", 1)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise cant(f"{place}.manifest", "a DaskJob without one container and workers") from None
    pods.add(job.get("volumes"), (), place)
    # All that the job runs may be in its arguments, where the image brings the program along.
    words = [*(main.get("command") or ()), *(main.get("args") or ())]
    done = Texts({}, {}, f"{place}.manifest")
    fields = _container({**main, "command": words, "args": None}, done, pods, place, source=None)
    return {**fields, "backend": {"kind": "dask", "options": {"workers": workers}}}


_CONDITIONS = {"successCondition", "failureCondition"}


def _amounts(given: Mapping[str, Any], place: str) -> Fields:
    check_keys(given, {"requests", "limits"}, f"{place}.resources")
    both = {**(given.get("requests") or {}), **(given.get("limits") or {})}
    found: Fields = {}
    for name, amount in both.items():
        text = str(amount)
        if name == "cpu":
            found["cores"] = float(text[:-1]) / 1000 if text.endswith("m") else float(text)
        elif name == "memory":
            found["memory"] = int(text) if text.isdecimal() else parse_memory(text)
        elif name.endswith("/gpu"):
            found["gpus"] = int(text)
        else:
            raise cant(f"{place}.resources", f"`{name}`")
    return found


def _retry(given: Mapping[str, Any], place: str) -> Fields:
    check_keys(given, {"limit", "retryPolicy", "backoff"}, f"{place}.retryStrategy")
    backoff = given.get("backoff") or {}
    check_keys(backoff, {"duration", "factor", "cap"}, f"{place}.retryStrategy.backoff")
    fields: Fields = {"times": int(given.get("limit") or 0)}
    if "duration" in backoff:
        fields["pause"] = _seconds(str(backoff["duration"]), place)
    if "factor" in backoff:
        fields["factor"] = float(backoff["factor"])
    if "cap" in backoff:
        fields["longest"] = _seconds(str(backoff["cap"]), place)
    return fields


def _seconds(text: str, place: str) -> timedelta:
    try:
        return timedelta(seconds=int(text)) if text.isdecimal() else parse_duration(text)
    except ValueError:
        raise cant(place, f"{text!r} as a length of time") from None


__all__ = ["Fields", "Pods", "Texts", "cant", "check_keys", "plain", "step_of"]
