"""Prints the user's pip settings as shell exports for uv, which doesn't read them itself."""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from os import environ
from pathlib import Path

NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
}
# Later ones win, as with pip itself.
SECTIONS = ("global", "install", ":env:")


def parse(lines: Iterable[str]) -> dict[str, str]:
    """pip's settings by name from the lines of ``pip config list``."""
    found: dict[tuple[int, str], str] = {}
    for line in lines:
        key, equals, value = line.strip().partition("=")
        section, _, name = key.rpartition(".")
        if equals and section in SECTIONS and name.replace("_", "-") in NAMES:
            found[SECTIONS.index(section), name.replace("_", "-")] = str(ast.literal_eval(value))
    return {name: value for (_, name), value in sorted(found.items())}


def exports(settings: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """Shell lines for uv; what the user has already set for uv stays as it is."""
    lines = []
    for name, value in settings.items():
        words = value.split()
        if name == "find-links":  # pip passes over folders that aren't there, uv stops
            words = [w for w in words if "://" in w or Path(w).is_dir()]
            value = ",".join(words)
        elif name in {"extra-index-url", "trusted-host"}:
            value = " ".join(words)
        if value and NAMES[name] not in present:
            lines.append(f"export {NAMES[name]}={shlex.quote(value)}")
    return lines


def main() -> None:
    """Ask pip and print."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    sys.stdout.write("\n".join(exports(parse(listing.stdout.splitlines()), environ)) + "\n")


if __name__ == "__main__":
    main()
