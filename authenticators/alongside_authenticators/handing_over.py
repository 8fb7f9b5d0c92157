"""From what is known of a user to their session: what the operator lists, and nothing else.

A template is what the operator writes for a setting of the spawner, with ``{name}`` where a value
belongs, or ``{name.key}`` for a part of it. A text that is one such place gets the value as it is;
within a longer text a value has to be a plain word, so that it can't lead out of a path or into
another option.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from traitlets import TraitError

from alongside_authenticators.refusals import SpawnRefused

_PLACE = re.compile(r"\{([^{}]+)\}")
_PLAIN = re.compile(r"(?!\.{1,2}$)(?!-)[\w.@+=:-]{1,255}")


KEY = "PRIVATE KEY-----"
KEY_PLACES = frozenset({"mounts", "volumes"})
"""Settings that may have a private key in them: those by which storage is mounted."""


class Missing(Exception):
    """There is no such value."""


class Expired(Exception):
    """A value that isn't good any more, in a sentence."""


def unexpired(name: str, value: Any) -> Any:
    """The value; Expired if it says by its key `expires`, seconds since 1970, that it has."""
    ends = value.get("expires") if isinstance(value, Mapping) else None
    if isinstance(ends, int | float) and ends <= time.time():
        raise Expired(f"What the portal has given you as {name} has expired.")
    return value


def names_in(template: Any) -> Iterator[str]:
    """The places of a template."""
    if isinstance(template, str):
        yield from _PLACE.findall(template)
    elif isinstance(template, Mapping):
        for key, value in template.items():
            yield from names_in(key)
            yield from names_in(value)
    elif isinstance(template, Sequence):
        for one in template:
            yield from names_in(one)


def value_of(path: str, values: Mapping[str, Any]) -> Any:
    """A value by its name, or a part of one: ``User.CERT``. Missing if there is none, Expired if it
    is too old."""
    if path in values:
        return _there(unexpired(path, values[path]))
    name = max((n for n in values if path.startswith(f"{n}.")), key=len, default=None)
    if name is None:
        raise Missing(path)
    found = unexpired(name, values[name])
    for part in path[len(name) + 1 :].split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise Missing(path)
        found = found[part]
    return _there(found)


def _there(value: Any) -> Any:
    if value is None or value == "":
        raise Missing
    return value


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A template with values in its places. Missing if one of them isn't there.

    SpawnRefused for a value that is no plain word and belongs into a longer text.
    """
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        if whole:
            return value_of(whole[1], values)
        return _PLACE.sub(lambda place: _word(place[1], value_of(place[1], values)), template)
    if isinstance(template, Mapping):
        return {str(filled(k, values)): filled(v, values) for k, v in template.items()}
    if isinstance(template, list | tuple):
        return [filled(one, values) for one in template]
    return template


def _word(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        value = ""
    text = str(value)
    if not _PLAIN.fullmatch(text):
        raise SpawnRefused(
            f"What is known of you as {name} can't be used for your session: it isn't a plain "
            "word. Tell the hub's operator.",
            reason="unusable_attribute",
        )
    return text


def hand_over(spawner: Any, templates: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Set the spawner's settings of these names; names of what was left out for want of a value.

    What a template of a mapping or a list has is added to what the setting has already; entries
    whose values aren't there are left out one by one. An entry of a list takes the place of one
    that is the same, or has the same `mountPath` or else `name`: a hub keeps the spawner of a start
    that failed, with all that it was given. Expired for a value that is too old, SpawnRefused for
    a private key anywhere but in `KEY_PLACES`.
    """
    left_out: list[str] = []
    for name, template in templates.items():
        present = getattr(spawner, name)
        if isinstance(template, str | int | float | None):
            try:
                setattr(spawner, name, _keyless(name, filled(template, values)))
            except Missing:
                left_out.append(name)
            continue
        added: dict[str, Any] = {}
        entries = template.items() if isinstance(template, Mapping) else enumerate(template)
        for key, value in entries:
            try:
                added |= filled({str(key): value}, values)
            except Missing:
                left_out.append(f"{name}.{key}")
        if name == "environment":
            added = {key: environment_text(key, value) for key, value in added.items()}
        _keyless(name, added)
        if isinstance(template, Mapping) and isinstance(present or {}, Mapping):
            setattr(spawner, name, {**(present or {}), **added})
        else:  # what KubeSpawner takes as a mapping may be a list, and the other way round
            there = present.values() if isinstance(present, Mapping) else present or ()
            setattr(spawner, name, _replaced(there, list(added.values())))
    return left_out


def share(
    spawner: Any,
    names: Iterable[str],
    templates: Mapping[str, Any],
    values: Mapping[str, Any],
    renewal: str,
) -> list[str]:
    """Hand over `names` as environment variables, then what `templates` say; what was left out.

    SpawnRefused if something of it can't be; `renewal` is the page that renews what has expired.
    """
    variables = {re.sub(r"\W", "_", name, flags=re.ASCII).upper(): f"{{{name}}}" for name in names}
    try:
        left_out = hand_over(spawner, {"environment": variables}, values) if variables else []
        return left_out + hand_over(spawner, templates, values)
    except Expired as expired:
        raise SpawnRefused(
            f"{expired} Sign in again by the portal, then start your session.",
            reason="expired_attribute",
            link=renewal,
            words="Sign in again",
        ) from None
    except TraitError:
        raise SpawnRefused(
            "What the portal says of you doesn't fit the settings of your session. Tell the hub's "
            "operator to look at set_spawner_attributes.",
            reason="unusable_attribute",
        ) from None


def _keyless(name: str, value: Any) -> Any:
    if name not in KEY_PLACES and any(KEY in text for text in _texts(value)):
        raise SpawnRefused(
            f"The setting {name} of your session would have a private key in it, which others "
            "could read. Tell the hub's operator to have sessions fetch it.",
            reason="secret_in_settings",
        )
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)


def _replaced(present: Iterable[Any], added: list[Any]) -> list[Any]:
    taken = [_spot(one) for one in added]
    return [*(one for one in present if _spot(one) not in taken), *added]


def _spot(entry: Any) -> Any:
    """What no other entry of a list of volumes, mounts or the like may have as well."""
    if isinstance(entry, Mapping):
        return entry.get("mountPath") or entry.get("name") or entry
    return entry


def environment_text(name: str, value: Any) -> str:
    """A value as text for a variable. SpawnRefused for what no environment should have."""
    text = value if isinstance(value, str) else json.dumps(value)
    # half of a letter outside of the basic plane can be in JSON, but in no environment
    if "\0" in text or KEY in text or re.search("[\ud800-\udfff]", text):
        raise SpawnRefused(
            f"The variable {name} of your session would have a private key or binary data in it, "
            "which others could read. Tell the hub's operator to have sessions fetch it.",
            reason="secret_in_environment",
        )
    return text
