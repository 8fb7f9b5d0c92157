"""How a profile narrows the options of a kind: other defaults, tighter bounds, the same schema.

A `Rule` says what a profile wants of one option; `narrow` derives from the kind's options model
one that wants exactly this. So the form's schema and the validation stay one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from alongside.errors import InvalidRequest
from alongside.kinds.base import Kind, Options
from alongside.models import Model
from alongside.requests import invalid
from alongside.units import format_duration, format_memory


class Rule(Model):
    """How a profile narrows one option. A plain value instead of this mapping fixes it."""

    default: Any = Field(None, description="What the form starts with.")
    minimum: Any = Field(None, description="The least that may be asked for.")
    maximum: Any = Field(None, description="The most that may be asked for.")


def as_rule(value: Any) -> Any:
    """A plain value in YAML stands for "this and nothing else"."""
    if isinstance(value, Mapping):
        return value
    return {"default": value, "minimum": value, "maximum": value}


def narrow(kind: Kind, rules: Mapping[str, Rule]) -> type[Options]:
    """A subclass of the kind's options model with other defaults and tighter bounds.

    Raises InvalidRequest when a rule names an unknown option or loosens or contradicts a bound.
    """
    originals = kind.Options.model_fields
    for name in rules:
        if name not in originals:
            known = ", ".join(originals)
            raise InvalidRequest(f"{kind.name} has no option {name!r}.", f"Options: {known}.", name)
    fields: dict[str, Any] = {
        name: _narrowed(name, original, rules.get(name, Rule()))
        for name, original in originals.items()
    }
    base: type[Options] = kind.Options
    model: type[Options] = create_model(base.__name__, __base__=base, **fields)
    if not any(field.is_required() for field in model.model_fields.values()):
        try:
            model()
        except ValidationError as error:
            first = invalid(error).errors[0]
            raise InvalidRequest(
                f"The defaults contradict each other: {first.message}", first.remedy, first.field
            ) from None
    return model


def _narrowed(name: str, original: FieldInfo, rule: Rule) -> tuple[Any, Any]:
    """Annotation and field of one option."""
    given = {key: value for key, value in rule if value is not None}
    values = {key: _value(original, f"{name}.{key}", value) for key, value in given.items()}
    low, high = values.get("minimum"), values.get("maximum")
    if low is not None and low == high:
        default, limits, shown = low, *_fixed(name, low, original)
    else:
        limits, shown = _range(name, original, low, high)
        default = _default(name, original, values.get("default"), low, high)
    if "default" in values and values["default"] != default:
        raise InvalidRequest(
            f"{name}: the default is outside its bounds.", "Choose it within them.", name
        )
    metadata = [m for m in original.metadata if not isinstance(m, Ge | Le) or not limits]
    annotation = _annotated(original, [*metadata, *limits])
    extra = original.json_schema_extra
    merged = (dict(extra) if isinstance(extra, Mapping) else {}) | shown
    text = _text(original)
    if text is not None and default not in (..., None):
        merged["default"] = text(default)  # as people write it, like the values themselves
    field = Field(
        default,
        title=original.title,
        description=original.description,
        json_schema_extra=merged or None,
    )
    return annotation, field


def _annotated(original: FieldInfo, metadata: list[Any]) -> Any:
    return Annotated[(original.annotation, *metadata)] if metadata else original.annotation


def _value(original: FieldInfo, place: str, value: Any) -> Any:
    """A value of a rule, checked by the option's own type and bounds."""
    adapter: TypeAdapter[Any] = TypeAdapter(_annotated(original, original.metadata))
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise invalid(error, place) from None


def _default(name: str, original: FieldInfo, given: Any, low: Any, high: Any) -> Any:
    """The default: the rule's, or the kind's moved into the bounds."""
    default = original.get_default(call_default_factory=True) if given is None else given
    if default is PydanticUndefined:
        return ...
    if low is not None and default < low:
        default = low
    if high is not None and default > high:
        default = high
    return default


def _range(name: str, original: FieldInfo, low: Any, high: Any) -> tuple[list[Any], dict[str, Any]]:
    """Constraints, and what they add to the JSON schema, for a range of values."""
    if low is None and high is None:
        return [], {}
    least = next((m.ge for m in original.metadata if isinstance(m, Ge)), None)
    most = next((m.le for m in original.metadata if isinstance(m, Le)), None)
    low, high = (least if low is None else low), (most if high is None else high)
    if not all(_ordered(bound) for bound in (low, high)):
        raise InvalidRequest(
            f"{name} has no order.", "Give only a `default`, or one fixed value.", name
        )
    if low is not None and high is not None and low > high:
        raise InvalidRequest(f"{name}: minimum is more than maximum.", "Swap them.", name)
    text = _text(original)
    if text is None:
        bounds = [
            *([Ge(low)] if low is not None else []),
            *([Le(high)] if high is not None else []),
        ]
        return bounds, {}
    shown = {"x-minimum": _plain(low), "x-maximum": _plain(high)}
    within = AfterValidator(_within(low, high, text))
    return [within], {key: bound for key, bound in shown.items() if bound is not None}


def _fixed(name: str, value: Any, original: FieldInfo) -> tuple[list[Any], dict[str, Any]]:
    """Constraints, and what they add to the JSON schema, for a single value."""
    if _ordered(value):
        return _range(name, original, value, value)

    def only(given: Any) -> Any:
        if given != value:
            raise ValueError("the profile fixes this; leave it out")
        return given

    return [AfterValidator(only)], {}


def _ordered(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | timedelta) and value is not True)


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _text(original: FieldInfo) -> Callable[[Any], str] | None:
    """How to write a value whose JSON is not the number itself."""
    extra = original.json_schema_extra
    format = extra.get("format") if isinstance(extra, Mapping) else None
    if format == "memory":
        return format_memory
    if original.annotation is timedelta:
        return format_duration
    return None


def _within(low: Any, high: Any, text: Callable[[Any], str]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if low is not None and value < low:
            raise ValueError(f"too small; choose at least {text(low)}")
        if high is not None and value > high:
            raise ValueError(f"too large; choose at most {text(high)}")
        return value

    return check
