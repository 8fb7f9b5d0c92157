"""What may be known of a user: the name, and what is named of their auth_state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alongside_authenticators.ldap.errors import Misconfigured, Unusable
from alongside_authenticators.ldap.templates import checked
from alongside_authenticators.parsers import X509SubjectParser

NAME = "name"
"""What templates call the user's name at the hub."""

SUBJECT = "subject_"
"""What templates call the parts of a certificate's subject, before their types."""


async def identity(user: Any, paths: Mapping[str, str], subject: str) -> dict[str, str]:
    """The values for templates: `name`, those at `paths` of the auth_state, parts of `subject`.

    `user` is the hub's. Unusable where something that is named is missing or can't be used.
    """
    values = {NAME: checked(NAME, user.name)}
    state = await user.get_auth_state() if paths else None
    for name, path in paths.items():
        value: Any = state
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            raise Unusable(
                f"Whoever signed you in told the hub no {name}.", "Log out and in again."
            )
        values[name] = checked(name, value)
    if subject:
        if subject not in values:
            raise Misconfigured(f"auth_state doesn't name {subject}, the subject.")
        for key, part in subject_parts(values[subject]).items():
            last = part[-1] if isinstance(part, list) else part
            values[SUBJECT + key] = checked(SUBJECT + key, last)
    return values


def subject_parts(text: str) -> dict[str, Any]:
    """The parts of a certificate's subject by their types; several of one type are a list."""
    try:
        parts: dict[str, Any] = X509SubjectParser().parse(text)
    except ValueError:
        raise Unusable("Your certificate's subject can't be read.") from None
    return parts
