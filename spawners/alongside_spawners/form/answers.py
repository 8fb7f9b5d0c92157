"""What a browser sends, as the same spawn options that REST takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")


def field_name(sort: str, profile: str, kind: str, path: str) -> str:
    """The name of an input: `sort` is ``number`` or ``text``; `path` is dotted, and begins with
    ``@`` where it belongs to the backend itself and not to its options."""
    return f"{sort}:{profile}:{kind}:{path}"


def image_name(profile: str) -> str:
    """The name of the input for a profile's image."""
    return f"image:{profile}"


def choice_from_form(form_data: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Spawn options from a form as the hub hands it over (a list of strings for each name).

    Only the inputs of the chosen profile and kind count: without scripts, all are sent.
    """
    profile, kind = _only(form_data, "profile"), _only(form_data, "kind")
    options: dict[str, Any] = {}
    if profile is not None:
        options["profile"] = profile
        if image := (_only(form_data, image_name(profile)) or "").strip():
            options["image"] = image
    if kind is None:
        return options
    options["backend"] = _backend(form_data, profile or "", kind) if kind else None
    return options


def _backend(form_data: Mapping[str, Sequence[Any]], profile: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for sort in ("number", "text"):
        prefix = field_name(sort, profile, kind, "")
        for name in form_data:
            if name.startswith(prefix):
                path = name.removeprefix(prefix)
                target = own if path.startswith("@") else found
                target[path.lstrip("@")] = _value(sort, _only(form_data, name) or "")
    backend: dict[str, Any] = {"kind": kind, "options": _nested(found)}
    if own.get("name"):
        backend["name"] = own["name"]
    if own.get("keep"):
        backend["keep"] = True
    lifetime = {k: v for k in ("idle", "maximum") if (v := own.get(f"lifetime.{k}"))}
    if lifetime:
        backend["lifetime"] = lifetime
    return backend


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted paths as objects; ``group@mode`` says whether the object ``group`` is wanted."""
    modes = {path.removesuffix("@mode"): v for path, v in flat.items() if path.endswith("@mode")}
    replaced = {modes[group] for group in modes if modes[group]}
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        group, dot, rest = path.partition(".")
        if path.endswith("@mode") or path in replaced:
            continue
        if not dot:
            nested[path] = value
        elif modes.get(group):
            nested.setdefault(group, {})[rest] = value
    return nested


def _value(sort: str, text: str) -> Any:
    text = text.strip()
    return int(text) if sort == "number" and _WHOLE.fullmatch(text) else text


def _only(form_data: Mapping[str, Sequence[Any]], name: str) -> str | None:
    values = form_data.get(name)
    value = values[0] if values else None
    return value if isinstance(value, str) else None
