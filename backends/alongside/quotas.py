"""Quotas: how much each user may have at the same time.

Pure: `limits_for` says what a user may have, `check` whether a request still fits. Making the
check and the admission one step is the caller's part (`alongside_service.admission`).
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from alongside.errors import CapacityExceeded, QuotaExceeded
from alongside.models import Capacity, Memory, Model, Resources

_NOUNS = {
    "backends": "backends",
    "workers": "workers",
    "cores": "cores",
    "memory": "memory",
    "gpus": "GPUs",
}


class Limits(Model):
    """The most that one user may have at the same time. Absent means unlimited."""

    backends: int | None = Field(None, ge=0, description="Backends at the same time.")
    workers: int | None = Field(None, ge=0, description="Workers or locales of all backends.")
    cores: int | None = Field(None, ge=0, description="Cores of all workers.")
    memory: Memory | None = Field(None, description="Memory of all workers.")
    gpus: int | None = Field(None, ge=0, description="GPUs of all workers.")


class Quotas(Model):
    """The `quotas` part of the catalogue.

    For each amount the user's own limit counts; else the most generous of the user's groups; else
    the default.
    """

    default: Limits = Field(Limits(), description="For everybody, where nothing below says else.")
    groups: dict[str, Limits] = Field({}, description="For the members of a group, by its name.")
    users: dict[str, Limits] = Field({}, description="For one user, by name.")

    def limits_for(self, user: str, groups: Iterable[str]) -> Limits:
        """What this user may have."""
        own = self.users.get(user, Limits())
        shared = [self.groups[group] for group in groups if group in self.groups]
        limits: dict[str, int | None] = {}
        for name in Limits.model_fields:
            granted = [g for limit in shared if (g := getattr(limit, name)) is not None]
            if getattr(own, name) is not None:
                limits[name] = getattr(own, name)
            elif granted:
                limits[name] = max(granted)
            else:
                limits[name] = getattr(self.default, name)
        return Limits.model_validate(limits)


def total(amounts: Iterable[Resources]) -> Resources:
    """The sum."""
    return sum(amounts, Resources())


def check(request: Resources, used: Resources, limits: Limits) -> None:
    """QuotaExceeded unless `request` fits into what `used` leaves of `limits`."""
    for name, noun in _NOUNS.items():
        limit, asked = getattr(limits, name), getattr(request, name)
        if limit is None or not asked or getattr(used, name) + asked <= limit:
            continue
        most = Resources(**{name: limit})
        left = most - used
        if getattr(left, name):
            remedy = f"Ask for at most {left.text(name)}, or stop a backend first."
        elif getattr(used, name):
            remedy = "Stop a backend first."
        else:
            remedy = "Ask an administrator for some."
        raise QuotaExceeded(
            f"Your quota is {most.text(name)} {noun}; {used.text(name)} in use, "
            f"{request.text(name)} more asked for.",
            remedy,
            "" if name == "backends" else f"options.{name}",
        )


def check_capacity(request: Resources, capacity: Capacity) -> None:
    """CapacityExceeded unless the platform has room for `request`."""
    for name in ("cores", "memory", "gpus"):
        whole, asked = getattr(capacity.total, name), getattr(request, name)
        known = whole or (name == "gpus" and capacity.total.cores)
        if not known or not asked or asked <= getattr(capacity.free, name):
            continue
        noun = _NOUNS[name]
        if asked > whole:
            raise CapacityExceeded(
                f"{request.text(name)} {noun} asked for, but there are only "
                f"{capacity.total.text(name)} in all.",
                f"Ask for at most {capacity.free.text(name)}.",
                f"options.{name}",
            )
        raise CapacityExceeded(
            f"{request.text(name)} {noun} asked for, but only {capacity.free.text(name)} of "
            f"{capacity.total.text(name)} are free now.",
            "Ask for less, or try again when others have finished.",
            f"options.{name}",
        )
