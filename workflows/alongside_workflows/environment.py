"""Values that come from environment variables: ``ENV_NAME`` stands for what NAME holds."""

from __future__ import annotations

from collections.abc import Mapping

from nbformat import NotebookNode
from pydantic import JsonValue

from alongside.errors import InvalidRequest
from alongside_workflows.parameters import find
from alongside_workflows.rewriting import InvalidParameters

PREFIX = "ENV_"


def expand(
    values: Mapping[str, JsonValue], environment: Mapping[str, str], notebook: NotebookNode
) -> dict[str, JsonValue]:
    """The values, each that begins with `PREFIX` replaced by what the variable holds.

    That is text, and a number where the notebook has a number. Raises InvalidParameters with the
    names of all variables that are not set.
    """
    wanted = {
        name: value.removeprefix(PREFIX)
        for name, value in values.items()
        if isinstance(value, str) and value.startswith(PREFIX)
    }
    unset = {name: variable for name, variable in wanted.items() if variable not in environment}
    if unset:
        raise InvalidParameters(
            [
                InvalidRequest(
                    f"{name} is to come from the environment variable {variable}, which is not set."
                    if variable
                    else f"{name} is {PREFIX} without the name of an environment variable.",
                    f"Set {variable}, or give the value itself."
                    if variable
                    else f"Write {PREFIX}NAME, or give the value itself.",
                    f"parameters.{name}",
                )
                for name, variable in unset.items()
            ]
        )
    known = find(notebook, wanted)
    expanded = dict(values)
    for name, variable in wanted.items():
        text = environment[variable]
        expanded[name] = known[name].from_text(text) if name in known else text
    return expanded
