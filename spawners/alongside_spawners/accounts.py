"""Whose Unix account a session runs under, and where its home is. Pure, apart from `pwd`."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
from dataclasses import dataclass

from alongside.errors import InvalidRequest, NotAllowed

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,62}")


@dataclass(frozen=True)
class Account:
    """A Unix account to become; `name` is empty when the session runs as the hub's own."""

    name: str
    home: str
    shell: str


def directory_name(user: str) -> str:
    """A name for a user's directory: the user name where that is harmless, else one made of it.

    >>> directory_name("ada")
    'ada'
    >>> directory_name("../Ada")[:4]
    'ada-'
    """
    if _PLAIN.fullmatch(user):
        return user
    readable = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[:40] or "user"
    return f"{readable}-{hashlib.sha256(user.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def account_of(user: str, *, unix_users: bool, home: str) -> Account:
    """The account of a user's sessions.

    `home` is used when `unix_users` is off. Raises NotAllowed for the superuser, InvalidRequest
    when there is no such account.
    """
    if not unix_users:
        own = pwd.getpwuid(os.geteuid())
        return Account("", home, own.pw_shell or "/bin/sh")
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError):
        raise InvalidRequest(
            f"There is no Unix account {user[:63]!r} on this machine.",
            "Ask an administrator to create it.",
        ) from None
    if entry.pw_uid == 0 and os.geteuid() == 0:
        raise NotAllowed("Sessions of the superuser are not started.", "Log in under another name.")
    return Account(entry.pw_name, entry.pw_dir, entry.pw_shell or "/bin/sh")
