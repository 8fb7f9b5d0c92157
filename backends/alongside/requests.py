"""What a user may send: spawn options, a launch, a change. Checked for form here, for what the
user is allowed by `Catalogue.resolve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator

from alongside.errors import InvalidFields, InvalidRequest
from alongside.models import Lifetime, Model, Pod, Share

_LONG = 4096
_MOST = 20  # findings that are told; nobody reads more
_PARTS = {"body", "query", "path", "header", "cookie"}
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Requester:
    """Who asks: a user name, the groups of that user, and whether the user is an admin."""

    name: str
    groups: frozenset[str] = field(default_factory=frozenset)
    admin: bool = False


class BackendChoice(Model):
    """The backend that comes along with a session."""

    kind: str = Field(max_length=_LONG, description="`dask`, `arkouda`, or another installed kind.")
    name: str | None = Field(None, max_length=_LONG, description="Shown name; default: the kind.")
    options: dict[str, Any] = Field({}, description="Size, by the kind's schema.")
    lifetime: Lifetime | None = Field(None, description="Shorter than the profile's.")
    keep: bool = Field(False, description="Keep it when the session ends.")


class UserOptions(Model):
    """Spawn options, as REST sends them and as the form is turned into."""

    profile: str | None = Field(None, max_length=_LONG, description="Name of a profile.")
    backend: BackendChoice | None = Field(
        None, description="Absent: the profile's default; null: none."
    )
    image: str | None = Field(
        None,
        max_length=_LONG,
        description="Container image of session and backend, one of those that the profile allows; "
        "default: the profile's.",
    )

    @property
    def wants_default(self) -> bool:
        """Whether the profile decides about the backend."""
        return "backend" not in self.model_fields_set


class Launch(BackendChoice):
    """The body of ``POST backends``."""

    profile: str | None = Field(
        None,
        max_length=_LONG,
        description="Default: the session's, or the first profile that offers the kind.",
    )
    image: str | None = Field(
        None,
        max_length=_LONG,
        description="Container image, one of those that the profile allows; default: the one that "
        "was named for the session, or the profile's.",
    )
    session: str | None = Field(
        None,
        max_length=_LONG,
        description="The session that it ends with: '' is the default one, null is none.",
    )
    owner: str | None = Field(
        None, max_length=_LONG, description="For whom; only admins and the hub may name others."
    )
    directory: str = Field("", max_length=_LONG, description="Working directory of the workers.")
    account: str = Field("", max_length=_LONG, description="Unix account; only the hub may say.")
    pod: Pod | None = Field(
        None, description="What its containers get from the session's; only the hub may say."
    )

    @field_validator("directory")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if path and not (path.startswith("/") and path.isprintable()):
            raise ValueError("not an absolute path; begin it with a slash")
        return path


class Patch(Model):
    """The body of ``PATCH backends/{id}``: what is absent stays."""

    options: dict[str, Any] | None = Field(None, description="A new size, by the kind's schema.")
    lifetime: Lifetime | None = Field(None, description="New lifetimes within the profile's.")
    shares: tuple[Share, ...] | None = Field(None, description="Replaces the list of shares.")
    keep: bool | None = Field(None, description="Whether it outlives its session.")
    needed: Literal[True] | None = Field(
        None, description="It is still needed: its idleness counts from now on."
    )


class Several(ValueError):
    """For validators that look at a whole: all that is wrong with it, each with its place."""

    def __init__(self, problems: Sequence[InvalidRequest]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


def parse(model: type[M], data: Any, field: str = "") -> M:
    """`data` as `model`, or InvalidRequest naming each field and what to do."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(error, field) from None
    except RecursionError:
        raise InvalidRequest("The request is nested too deeply.", "Send plain values.") from None


def invalid(error: ValidationError | Sequence[Any], prefix: str = "") -> InvalidFields:
    """Pydantic's findings in our words, first things first.

    `error` may also be the list of findings of a web framework, whose places begin with the part
    of the request that they are in.
    """
    if isinstance(error, ValidationError):
        items: Sequence[Any] = error.errors(include_url=False)
    else:
        items = error
    found: list[InvalidRequest] = []
    for item in items[:_MOST]:
        if item["type"] == "too_short" and _below(item["loc"], items):
            continue  # only those of its items that are good were counted
        place = [str(part)[:63] for part in (prefix, *item["loc"]) if part != ""]
        if not isinstance(error, ValidationError) and place and place[0] in _PARTS:
            place = place[1:]
        name = ".".join(place[:8])
        several = (item.get("ctx") or {}).get("error")
        if isinstance(several, Several):
            found += [_within(name, problem) for problem in several.problems]
        else:
            found.append(InvalidRequest(*_sentence(item, name or "The request"), name))
    return InvalidFields(found[:_MOST])


def _below(place: tuple[Any, ...], items: Sequence[Any]) -> bool:
    """Whether something is wrong with a part of what is at this place."""
    return any(item["loc"][: len(place)] == place != item["loc"] for item in items)


def _within(prefix: str, problem: InvalidRequest) -> InvalidRequest:
    place = ".".join(part for part in (prefix, problem.field) if part)
    return InvalidRequest(problem.message, problem.remedy, place)


def _sentence(item: Any, place: str) -> tuple[str, str]:
    context = item.get("ctx") or {}
    match item["type"]:
        case "extra_forbidden":
            return f"{place} is not known.", "Remove it, or check its spelling."
        case "missing":
            return f"{place} is missing.", "Add it."
        case "greater_than_equal":
            return f"{place} is too small.", f"Choose at least {context['ge']}."
        case "less_than_equal":
            return f"{place} is too large.", f"Choose at most {context['le']}."
        case "value_error":
            message = str(context.get("error", item["msg"]))[:400].rstrip(".")
            what, _, how = message.partition("; ")
            return f"{place}: {what}.", f"{how[:1].upper()}{how[1:]}." if how else ""
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{place} is not a mapping of keys to values.", "Write it as one."
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return f"{place} is not a whole number.", "Write a whole number."
        case "string_type":
            return f"{place} is not text.", "Write it as text."
        case "list_type" | "tuple_type":
            return f"{place} is not a list.", "Write it as a list."
        case "bool_type" | "bool_parsing":
            return f"{place} is neither true nor false.", "Write true or false."
        case "json_invalid":
            return f"The body is not JSON: {context.get('error', '')}.", "Correct it."
        case _:
            return f"{place}: {item['msg'][:200]}.", "Correct the value."
