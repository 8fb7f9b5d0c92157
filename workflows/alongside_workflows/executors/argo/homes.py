"""Volumes of the operator's that are each user's own, such as homes. Pure.

Their names have KubeSpawner's templates, since it is KubeSpawner that makes them: ``{username}``,
``{servername}`` and ``{user_server}``, which it fills in with what Kubernetes takes for a name and
what no two users share. So what is written here follows from its `slugs`, with ``slug_scheme`` as
it comes (``safe``).
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from alongside.models import Pod

_LONGEST = 48
_HASH = 8  # hexadecimal digits that tell long and odd names apart
_AS_IT_IS = re.compile(r"[a-z](?:-?[a-z0-9]+)*")
_TEMPLATE = re.compile(r"\{(username|servername|user_server)\}")


def filled(pod: Pod, owner: str, session: str | None) -> Pod:
    """The operator's pod for a run of this user's; without a session that of the default one."""
    names = names_of(owner, session or "")
    own = {
        "volumes": _filled(pod.volumes, names),
        "volume_mounts": _filled(pod.volume_mounts, names),
    }
    return pod.model_copy(update=own)


def named(pod: Pod) -> bool:
    """Whether a volume of it is each user's own."""
    return bool(_TEMPLATE.search(str((pod.volumes, pod.volume_mounts))))


def names_of(user: str, session: str) -> dict[str, str]:
    """What each template stands for."""
    username, servername = _slug(user), _slug(session) if session else ""
    if len(username) + len(servername) + 2 > _LONGEST:
        both = _joined(user, session)
    else:
        both = f"{username}--{servername}" if session else username
    return {"username": username, "servername": servername, "user_server": both}


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_filled(each, names) for each in value)
    if not isinstance(value, str):
        return value
    text = _TEMPLATE.sub(lambda match: names[match[1]], value)
    return text if value.endswith("-") else text.rstrip("-")  # without a servername


def _slug(name: str) -> str:
    if len(name) <= _LONGEST and _AS_IT_IS.fullmatch(name):
        return name
    return f"{_head(name, _LONGEST - _HASH - 3)}---{_digest(name)}"


def _joined(*names: str) -> str:
    most = (_LONGEST - _HASH - 1) // len(names) - 2
    return f"{'--'.join(_head(name, most) for name in names)}---{_digest(*names)}"


def _head(name: str, most: int) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-")[:most].rstrip("-")
    if plain and not plain[0].isalpha():
        plain = f"x-{plain[: most - 2]}"
    return plain or "x"


def _digest(*names: str) -> str:
    return hashlib.sha256(b"\xff".join(name.encode() for name in names)).hexdigest()[:_HASH]


__all__ = ["filled", "named", "names_of"]
