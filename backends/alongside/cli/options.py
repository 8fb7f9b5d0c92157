"""From the JSON schema of a kind's options to arguments, and back to a request. Pure."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

_PREFIX = "option_"


def add_options(group: argparse._ArgumentGroup, schema: Mapping[str, Any]) -> None:
    """One argument for each property; what it may be is for the service to say."""
    for name, described in schema.get("properties", {}).items():
        convert, shown = _conversion(_resolve(described, schema))
        text = described.get("description") or described.get("title", "")
        group.add_argument(
            f"--{name.replace('_', '-')}",
            dest=_PREFIX + name,
            type=convert,
            metavar=shown,
            help=text.replace("%", "%%"),
        )


def chosen(given: argparse.Namespace) -> dict[str, Any]:
    """The options that were given."""
    return {
        name.removeprefix(_PREFIX): value
        for name, value in vars(given).items()
        if name.startswith(_PREFIX) and value is not None
    }


def bounds(text: str) -> dict[str, int]:
    """``"1:4"`` as minimum and maximum."""
    low, colon, high = text.partition(":")
    if not colon or not (low.isdigit() and high.isdigit()) or len(text) > 12:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not like 1:4 (minimum:maximum)")
    return {"minimum": int(low), "maximum": int(high)}


def _resolve(described: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that is given, references followed."""
    for choice in described.get("anyOf", ()):
        if choice.get("type") != "null":
            described = {**described, **choice}
            break
    reference = described.get("$ref", "")
    if reference.startswith("#/$defs/"):
        return {**described, **schema["$defs"][reference.removeprefix("#/$defs/")]}
    return described


def _conversion(described: Mapping[str, Any]) -> tuple[Callable[[str], Any], str]:
    """How a value is read and what stands for it in the help."""
    if described.get("format") == "memory":
        return str, "MEMORY"
    match described.get("type"):
        case "integer":
            return int, "N"
        case "number":
            return float, "X"
        case "boolean":
            return _truth, "yes|no"
        case "string":
            return str, "TEXT"
        case "object" if {"minimum", "maximum"} <= described.get("properties", {}).keys():
            return bounds, "MIN:MAX"
    return _json, "JSON"


def _truth(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError("say yes or no")
    return text == "yes"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is not JSON") from None
