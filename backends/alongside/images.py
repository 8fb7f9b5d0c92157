"""Container images that users name themselves, within what a profile allows. Pure.

A profile lists names, and patterns in which ``*`` stands for anything. So whoever may push to
``registry.example.org/course`` keeps the environments of a course, and no operator is asked for
each new one. A pattern that ends in ``@sha256:*`` takes digests only, behind which nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field

from alongside.errors import NotAllowed

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._:/@*-]*", re.ASCII)
_LONG = 512


def image_pattern(text: str) -> str:
    """The text, if it can be one. Raises ValueError: what is wrong, a semicolon, what to do."""
    if not _PATTERN.fullmatch(text):
        raise ValueError(
            f"{text[:80]!r} is no image; write its registry, name and tag, with * for any part"
        )
    registry, slash, _ = text.partition("/")
    if text != "*" and "*" in registry and slash:
        # registry.example.org* is registry.example.org.somebody-else.net as well
        raise ValueError(f"{text[:80]!r} leaves the registry open; write all of it before the /")
    if text != "*" and "*" in registry:
        raise ValueError(f"{text[:80]!r} leaves the registry open; write it, and a / behind it")
    return text


ImagePattern = Annotated[str, Field(max_length=_LONG), AfterValidator(image_pattern)]
"""An image's name, or what begins with a registry and has ``*`` in it; ``*`` alone is any image."""


def is_allowed(image: str, patterns: Sequence[str]) -> bool:
    """Whether an image's name is one, and fits a pattern.

    >>> is_allowed("registry.example.org/course/week:3", ["registry.example.org/course/*"])
    True
    >>> is_allowed("registry.example.org/other:3", ["registry.example.org/course/*"])
    False
    """
    return bool(_NAME.fullmatch(image)) and any(fnmatchcase(image, each) for each in patterns)


def allowed_image(image: str, patterns: Sequence[str], profile: str) -> str:
    """The image, if the profile allows it. Raises NotAllowed."""
    if is_allowed(image, patterns):
        return image
    remedy = f"Choose one of: {', '.join(patterns)}." if patterns else "Leave it out."
    raise NotAllowed(f"Profile {profile} doesn't allow the image {image[:200]!r}.", remedy, "image")


__all__ = ["ImagePattern", "allowed_image", "image_pattern", "is_allowed"]
