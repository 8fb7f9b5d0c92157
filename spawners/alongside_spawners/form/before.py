"""What was chosen last time: what the form starts with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Before:
    """What was chosen last time, as far as it still makes sense."""

    profile: str
    kind: str
    backend: Mapping[str, Any]
    remembered: bool
    image: str = ""

    @classmethod
    def of(cls, last: Any, profiles: list[dict[str, Any]]) -> Before:
        """From anything at all."""
        last = last if isinstance(last, Mapping) else {}
        named = [p for p in profiles if p["name"] == last.get("profile")]
        first = (named or profiles or [{"name": "", "default": None, "backends": {}}])[0]
        image = last.get("image")
        image = image[:512] if named and isinstance(image, str) else ""
        backend = last.get("backend")
        kind = backend.get("kind") if isinstance(backend, Mapping) else None
        possible = [k for k, o in first["backends"].items() if not o.get("unavailable")]
        if isinstance(kind, str) and kind in possible:
            return cls(first["name"], kind, backend, True, image)
        alone = "backend" in last and backend is None
        chosen = first["default"] if not alone and first["default"] in possible else ""
        return cls(first["name"], chosen, {}, bool(named) or alone, image)

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
