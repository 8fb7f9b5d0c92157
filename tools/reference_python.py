"""Renders the reference of the Python interface from its docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from reference_text import paragraphs


def documented_objects() -> list[tuple[str, Any]]:
    """What ``import alongside`` and ``import alongside_workflows`` offer, then the errors."""
    import alongside
    import alongside_workflows
    from alongside import errors

    public = [
        (f"{package.__name__}.{name}", getattr(package, name))
        for package in (alongside, alongside_workflows)
        for name in package.__all__
    ]
    faults = [
        (f"alongside.errors.{name}", one)
        for name, one in vars(errors).items()
        if inspect.isclass(one) and issubclass(one, errors.AlongsideError)
    ]
    return public + faults


def python_api() -> str:
    """The page about the Python interface."""
    import alongside

    lines = ["# Python", "", paragraphs(alongside.__doc__)]
    for name, one in documented_objects():
        lines += ["", f"## {name}", "", *_object(name.rpartition(".")[2], one)]
        if not inspect.isclass(one) or issubclass(one, Exception) or is_model(one):
            continue
        for method, function in public_methods(one):
            lines += ["", f"### {one.__name__}.{method}", "", *_object(method, function)]
    return "\n".join(lines) + "\n"


def is_model(cls: type) -> bool:
    """Whether it is told by its fields, on the page about definitions."""
    from pydantic import BaseModel

    return issubclass(cls, BaseModel)


def public_methods(cls: type) -> Iterator[tuple[str, Any]]:
    """Methods and properties that are for users, own and inherited ones of ours."""
    for name, one in inspect.getmembers(cls):
        function = one.fget if isinstance(one, property) else one
        ours = (getattr(function, "__module__", "") or "").startswith("alongside")
        if not name.startswith("_") and inspect.isfunction(function) and ours:
            yield name, one


def _object(name: str, one: Any) -> Iterator[str]:
    if not isinstance(one, property):
        yield "```python"
        yield f"{name}{_signature(one)}"
        yield "```"
        yield ""
    yield paragraphs(inspect.getdoc(one))


def _signature(one: Any) -> str:
    try:
        signature = inspect.signature(one)
    except (TypeError, ValueError):
        return "(...)"
    if inspect.isclass(one) and is_model(one):
        return "(...)"  # its fields are told elsewhere
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    if inspect.isclass(one):
        signature = signature.replace(return_annotation=inspect.Signature.empty)
    text = str(signature.replace(parameters=parameters))
    return text.replace("'", "").replace("alongside.handle.", "").replace("alongside.models.", "")
