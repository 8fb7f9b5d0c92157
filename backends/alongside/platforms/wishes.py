"""What somebody's wish makes of the specification that is stored. Pure.

The result is the specification to store in its place, None where nothing is to be changed.
"""

from __future__ import annotations

from alongside.models import Spec


def updated(present: Spec, wish: Spec) -> Spec | None:
    """Another size, lifetime and so on. An older wish is ignored, and none takes back an end."""
    if wish.generation < present.generation:
        return None
    ending = {"stop": present.stop or wish.stop, "forget": present.forget or wish.forget}
    return wish.model_copy(update=ending)


def stopped(present: Spec, *, forget: bool) -> Spec | None:
    """Its end, and with `forget` that of its record."""
    wanted = present.model_copy(update={"stop": True, "forget": present.forget or forget})
    return None if wanted == present else wanted


__all__ = ["stopped", "updated"]
