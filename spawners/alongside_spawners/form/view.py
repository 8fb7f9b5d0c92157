"""What the form shows, made of the service's answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alongside_spawners.form.amounts import bytes_of, plain_numbers, session_amounts
from alongside_spawners.form.answers import field_name, image_name
from alongside_spawners.form.before import Before
from alongside_spawners.form.fields import Field, Place, optional_object
from alongside_spawners.form.lifetimes import backend_ends, session_ends


@dataclass(frozen=True)
class Group:
    """Inputs that count only when their mode is chosen, instead of the field `replaces`."""

    name: str
    id: str
    title: str
    label: str
    replaces: str
    on: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Size:
    """The part of the form for one kind of backend in one profile."""

    id: str
    profile: str
    kind: str
    title: str
    member: str
    platform: str
    required: bool
    ends: str
    keep_name: str
    keep: bool
    groups: tuple[Group, ...]
    fields: tuple[Field, ...]
    more: tuple[Field, ...]

    @property
    def counts(self) -> str:
        """The field that says how many members there are."""
        return f"{self.member}s"


@dataclass(frozen=True)
class Card:
    """One choice among several."""

    id: str
    value: str
    title: str
    lines: tuple[str, ...]
    chosen: bool
    why: str = ""
    """Why it can't be chosen, whatever else is; empty when it can."""


@dataclass(frozen=True)
class FormView:
    """All that the template needs; `data` is for the script."""

    profiles: tuple[Card, ...]
    kinds: tuple[Card, ...]
    images: tuple[tuple[str, Field], ...]
    """Id of a profile's card, and the input for the image of its session."""
    sizes: tuple[Size, ...]
    remembered: bool
    problem: str
    shown: tuple[tuple[str, str, str], ...] = field(default=())
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, offers: Mapping[str, Any], last: Any) -> FormView:
        """The form for these offers. `last` is what was chosen before: anything, trusted in
        nothing."""
        catalogue, me = offers["catalogue"], offers["me"]
        profiles = catalogue["profiles"]
        before = Before.of(last, profiles)
        numbers = plain_numbers(me)
        sizes = tuple(_sizes(profiles, before, numbers))
        # where several profiles have a kind, the one that can run it speaks for it
        offers_of = sorted(
            ((k, o) for p in profiles for k, o in p["backends"].items()),
            key=lambda pair: not why_not(pair[1]),
        )
        found = dict(offers_of)
        kinds = {k: found[k] for p in profiles for k in p["backends"]}
        cards = [Card("alongside-kind-none", "", "Nothing", ("Start the session alone",), False)]
        cards += [
            Card(f"alongside-kind-{n}", k, o["title"], (o["description"],), False, why_not(o))
            for n, (k, o) in enumerate(kinds.items())
        ]
        ids = {card.value: card.id for card in cards}
        profile_ids = {p["name"]: f"alongside-profile-{n}" for n, p in enumerate(profiles)}
        return cls(
            profiles=tuple(
                Card(
                    profile_ids[p["name"]],
                    p["name"],
                    p["title"],
                    tuple(
                        line for line in (session_amounts(p["session"]), p["description"]) if line
                    ),
                    p["name"] == before.profile,
                )
                for p in profiles
            ),
            kinds=tuple(replace(card, chosen=card.value == before.kind) for card in cards),
            images=tuple(
                (profile_ids[p["name"]], _image(p, profile_ids[p["name"]], before))
                for p in profiles
                if p.get("images")
            ),
            sizes=sizes,
            remembered=before.remembered,
            problem=str(catalogue.get("problem") or ""),
            shown=tuple((profile_ids[s.profile], ids[s.kind], s.id) for s in sizes),
            data={
                **numbers,
                "members": _members(catalogue),
                "profiles": {
                    p["name"]: {
                        "session": {
                            "cores": p["session"].get("cores") or 0,
                            "memory": bytes_of(p["session"].get("memory")),
                            "ends": session_ends(p["session"].get("lifetime") or {}),
                        },
                        "platform": p["platform"],
                        "default": p["default"] or "",
                        "kinds": list(p["backends"]),
                        "unavailable": {
                            k: why for k, o in p["backends"].items() if (why := why_not(o))
                        },
                    }
                    for p in profiles
                },
            },
        )


def why_not(offer: Mapping[str, Any]) -> str:
    """Why a kind can't be had where it is offered, and what to do about it; empty when it can."""
    missing = offer.get("unavailable")
    return f"{missing['detail']} {missing['remedy']}".strip() if missing else ""


def _image(profile: Mapping[str, Any], card: str, before: Before) -> Field:
    """What the session's image is chosen with: from a list, or written where there are patterns."""
    images = tuple(profile["images"])
    written = any("*" in image for image in images)
    value = before.image if profile["name"] == before.profile else ""
    return Field(
        name=image_name(profile["name"]),
        id=f"{card}-image",
        path="@image",
        label="Image",
        hint=f"Empty: the profile's own. Else one like {', '.join(images)}." if written else "",
        widget="text" if written else "select",
        value=value if written or value in images else "",
        choices=() if written else ("", *images),
    )


def _members(catalogue: Mapping[str, Any]) -> str:
    """What a quota of members counts, of all kinds: ``Workers and locales``."""
    words = [f"{kind['member']}s" for kind in catalogue.get("kinds", {}).values()]
    text = " and ".join(dict.fromkeys(words)) or "members"
    return text[:1].upper() + text[1:]


def _sizes(
    profiles: list[dict[str, Any]], before: Before, numbers: Mapping[str, Any]
) -> Iterator[Size]:
    nothing = Before("", "", {}, False)
    for profile in profiles:
        for kind, offer in profile["backends"].items():
            if why_not(offer):
                continue
            same = (profile["name"], kind) == (before.profile, before.kind)
            yield _size(profile, kind, offer, before if same else nothing, numbers)


def _size(
    profile: Mapping[str, Any],
    kind: str,
    offer: Mapping[str, Any],
    before: Before,
    numbers: Mapping[str, Any],
) -> Size:
    schema = offer["schema"]
    place = Place(profile["name"], kind, f"{offer['member']}s", numbers)
    fields, groups = [], []
    for path, raw in schema.get("properties", {}).items():
        if not place.shows(path, raw):
            continue
        inner = optional_object(raw, schema)
        if inner is None:
            fields.append(place.field(path, raw, before))
            continue
        groups.append(
            Group(
                name=field_name("text", place.profile, kind, f"{path}@mode"),
                id=place.id(f"{path}-mode"),
                title=f"Number of {place.counts}",
                label=raw.get("title", path),
                replaces=place.counts,
                on=before.has(path),
                fields=tuple(
                    place.field(f"{path}.{name}", one, before)
                    for name, one in inner.get("properties", {}).items()
                ),
            )
        )
    return Size(
        id=place.id("size"),
        profile=place.profile,
        kind=kind,
        title=offer["title"],
        member=offer["member"],
        platform=profile["platform"],
        required=offer["required"],
        ends=backend_ends(offer["lifetime"]),
        keep_name=field_name("text", place.profile, kind, "@keep"),
        keep=before.backend.get("keep") is True,
        groups=tuple(groups),
        fields=tuple(fields),
        more=tuple(place.more(offer["lifetime"], before)),
    )
