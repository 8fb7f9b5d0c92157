"""How much a namespace may have, as its ResourceQuotas say. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from alongside.models import Resources
from alongside.platforms.kubernetes.resources import Object

_UNITS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    **{f"{unit}i": Decimal(2 ** (10 * n)) for n, unit in enumerate("KMGTPE", start=1)},
}
_NAMES = {
    "cores": ("requests.cpu", "cpu", "limits.cpu"),
    "memory": ("requests.memory", "memory", "limits.memory"),
}


def amount(text: str) -> Decimal:
    """A Kubernetes quantity, e.g. ``500m`` or ``4Gi``, as a number. Raises ValueError."""
    for length in (2, 1, 0):
        number, unit = (text[:-length], text[-length:]) if length else (text, "")
        if length and unit not in _UNITS:
            continue
        try:
            return Decimal(number) * _UNITS.get(unit, Decimal(1))
        except InvalidOperation:
            break
    raise ValueError(f"{text!r} is not a quantity")


def room_of(quotas: Iterable[Object]) -> Resources:
    """The smallest of what the quotas grant; 0 where none of them says."""
    least: dict[str, int] = {}
    for quota in quotas:
        hard = (quota.get("status") or {}).get("hard") or (quota.get("spec") or {}).get("hard", {})
        for field, names in _NAMES.items():
            for name in names:
                if name in hard:
                    granted = math.floor(amount(str(hard[name])))
                    least[field] = min(least.get(field, granted), granted)
        for name, value in hard.items():
            if name.startswith("requests.") and name.endswith("/gpu"):
                granted = math.floor(amount(str(value)))
                least["gpus"] = min(least.get("gpus", granted), granted)
    return Resources(**least)
