"""Renders the reference page about JupyterLab: the panel's settings, commands and addresses."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_text import cell

LAB = Path(__file__).resolve().parent.parent / "labextension"


def settings() -> dict[str, Any]:
    """The schema of what users can set in JupyterLab's settings editor."""
    found: dict[str, Any] = json.loads((LAB / "schema" / "plugin.json").read_text("utf-8"))
    return found


def commands() -> dict[str, str]:
    """What each command of the Lab extension does, by its id: the comments in its list."""
    text = (LAB / "src" / "tokens.ts").read_text(encoding="utf-8")
    _, _, listing = text.partition("export const CommandIDs")
    pattern = r"/\*\*\s*(.*?)\s*\*/\s*\w+: '(alongside:[\w-]+)'"
    return {id: told for told, id in re.findall(pattern, listing, re.DOTALL)}


def routes() -> Iterator[tuple[str, type]]:
    """The addresses that the server extension answers at, with their handlers."""
    from alongside_lab.routes import routes as listed

    for pattern, handler, _ in listed(*[None] * 3):  # type: ignore[arg-type]  # none is made
        yield pattern, handler


def jupyterlab() -> str:
    """The page about the panel's settings, commands and addresses."""
    schema, known = settings(), commands()
    lines = ["# JupyterLab", "", "## Settings", ""]
    lines += ["Under *Settings → Settings Editor → Alongside*, for each user.", ""]
    lines += ["| Setting | Default | Meaning |", "|---|---|---|"]
    for name, field in schema["properties"].items():
        told = cell(f"{field['title']}. {field['description']}")
        lines.append(f"| `{name}` | `{json.dumps(field['default'])}` | {told} |")
    lines += ["", "## Commands", ""]
    lines += ["In the command palette, in menus, and for keyboard shortcuts of one's own.", ""]
    lines += ["| Command | What it does |", "|---|---|"]
    lines += [f"| `{id}` | {cell(told.rstrip('.'))}. |" for id, told in known.items()]
    lines += ["", "## Shortcuts", "", "| Keys | Command |", "|---|---|"]
    for shortcut in schema.get("jupyter.lab.shortcuts", []):
        lines.append(f"| {' '.join(shortcut['keys'])} | `{shortcut['command']}` |")
    lines += ["", "## Addresses", ""]
    lines += ["Below the session's own address; each asks for the session's login.", ""]
    lines += ["| Address | What answers there |", "|---|---|"]
    for pattern, handler in routes():
        told = (inspect.getdoc(handler) or "").partition("\n")[0]
        lines.append(f"| `{_plain(pattern)}` | {cell(told)} |")
    return "\n".join(lines) + "\n"


def _plain(pattern: str) -> str:
    """An address as people write it, from a regular expression."""
    from alongside_lab.requests import ID

    return pattern.replace(f"({ID})", "{id}").replace("(.*)", "{path}")
