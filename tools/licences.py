"""Whether everything that Alongside needs at run time may be used by anybody, free of charge.

Reads what the installed distributions say about themselves: the project's own requirements with
all extras, and theirs; and what the builder of the Lab extension says of what it has bundled. With
``--report`` the whole list is printed.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

STATIC = Path(__file__).resolve().parent.parent / "labextension/alongside_lab/labextension/static"
PROJECT = "jupyterhub-alongside"
PERMISSIVE = re.compile(
    r"\b(0BSD|Apache|Artistic|BSD|CC0|CNRI|HPND|ISC|MIT(-CMU|-0)?|MPL[ -]2|"
    r"Mozilla Public License|PSF|Python Software Foundation|Unlicense|Zlib|Public Domain|Expat)",
    re.IGNORECASE,
)
# What says nothing usable in its metadata, with what its licence file says.
READ_BY_HAND: dict[str, str] = {
    # One of KubeSpawner's; its classifiers don't tell alternatives from additions, its README does.
    "text-unidecode": "Artistic-1.0-Perl OR GPL-1.0-or-later",
}


def normal(name: str) -> str:
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed() -> dict[str, Distribution]:
    """All run-time distributions by name."""
    found: dict[str, Distribution] = {}
    extras = set(distribution(PROJECT).metadata.get_all("Provides-Extra") or [])
    queue: list[tuple[str, frozenset[str]]] = [(PROJECT, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        item = queue.pop()
        if item in seen:
            continue
        seen.add(item)
        name, wanted = item
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # for another Python or operating system
        for line in found[name].requires or []:
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in (*wanted, "")):
                queue.append((normal(requirement.name), frozenset(requirement.extras)))
    del found[PROJECT]
    return found


def licence(name: str, installed: Distribution) -> str:
    """What a distribution says about its licence, "" for nothing."""
    if name in READ_BY_HAND:
        return READ_BY_HAND[name]
    meta = installed.metadata
    if "License-Expression" in meta:
        return meta["License-Expression"]
    classifiers = [
        c.rpartition(" :: ")[2]
        for c in meta.get_all("Classifier") or []
        if c.startswith("License :: ") and c != "License :: OSI Approved"
    ]
    if classifiers:
        return " AND ".join(classifiers)
    text = meta["License"] if "License" in meta else ""  # noqa: SIM401 - no `get` before 3.12
    return text.strip().partition("\n")[0][:80]


def bundled() -> dict[str, str]:
    """The JavaScript packages within the Lab extension, with their licences."""
    listed = json.loads((STATIC / "third-party-licenses.json").read_text(encoding="utf-8"))
    return {f"npm {p['name']}": p["licenseId"] for p in listed["packages"]}


def permissive(text: str) -> bool:
    """Whether some alternative of a licence expression is permissive throughout."""
    return any(
        all(PERMISSIVE.search(part) for part in re.split(r"\s+AND\s+", alternative))
        for alternative in re.split(r"\s+OR\s+", text)
    )


def main(arguments: list[str]) -> int:
    """Check; the exit code."""
    found = {name: licence(name, installed) for name, installed in sorted(needed().items())}
    found |= bundled()
    if "--report" in arguments:
        for name, text in found.items():
            print(f"{name}: {text or 'nothing said'}")
    bad = {name: text for name, text in found.items() if not permissive(text)}
    for name, text in bad.items():
        print(f"{name} is not known to be free to use for anybody: {text or 'nothing said'}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
