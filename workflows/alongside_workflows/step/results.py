"""The results of a step: values that later steps can take as parameters."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from alongside_workflows.step.failing import StepFailed, quoted
from alongside_workflows.step.kernel import MEMORY, Kernel, ending
from alongside_workflows.task import BAD_INPUT, DEAD_KERNEL

LARGEST = 64 * 1024
"""Characters of the JSON of one result."""
_LARGEST_FILE = 16 * 2**20
_ANSWER = 60.0  # seconds for the kernel to make JSON of them
_SMALLER = "Write what is large into a file, and declare that as an output."

# Numbers of NumPy have `item`; so has an array of one number.
_EXPRESSION = (
    '__import__("json").dumps({name}, allow_nan=False, default=lambda value: value.item())[:{most}]'
)


def check_language(language: str, wanted: Sequence[str]) -> None:
    """Raise StepFailed when results can't be read from a kernel of this language."""
    if wanted and language.lower() != "python":
        raise StepFailed(
            f"Results can't be taken from a notebook in {language}.",
            "Let it write them into a file, and declare that as an output.",
            BAD_INPUT,
        )


async def of_notebook(kernel: Kernel, names: Sequence[str]) -> dict[str, JsonValue]:
    """The values of these variables, read from the kernel. Raises StepFailed."""
    if not names:
        return {}
    expressions = {name: _EXPRESSION.format(name=name, most=LARGEST + 1) for name in names}
    id = kernel.client.execute("", silent=True, user_expressions=expressions | _types(names))
    try:
        reply = await kernel.reply(id, _ANSWER)
    except TimeoutError:
        code = await kernel.exit_code()
        raise StepFailed(
            "The kernel did not tell the results: "
            + (f"it has ended ({ending(code)})." if code is not None else "it does not answer."),
            MEMORY if code == -9 else "See the step's log.",
            DEAD_KERNEL,
        ) from None
    told = reply["content"].get("user_expressions", {})
    return {name: _value(name, told.get(name, {}), told.get(f"type {name}", {})) for name in names}


def of_command(path: Path, names: Sequence[str]) -> dict[str, JsonValue]:
    """What a command has written into its file of results. Raises StepFailed."""
    if not names:
        return {}
    try:
        with path.open(errors="replace") as file:
            text = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        text = ""
    if len(text) > _LARGEST_FILE:
        raise StepFailed("The file of results is larger than 16 MiB.", _SMALLER)
    found: dict[str, JsonValue] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, _, value = line.partition("=")
        if name.strip() in names:
            found[name.strip()] = _json(name.strip(), value, f"line {number} of the file says")
    if missing := [name for name in names if name not in found]:
        raise StepFailed(
            f"Results are missing: {', '.join(missing)}.",
            "Let the command write lines `name=JSON` into the file $ALONGSIDE_RESULTS.",
        )
    return found


def _types(names: Sequence[str]) -> dict[str, str]:
    return {f"type {name}": f"type({name}).__qualname__" for name in names}


def _value(name: str, told: dict[str, Any], type: dict[str, Any]) -> JsonValue:
    if told.get("status") != "ok":
        if told.get("ename") == "NameError":
            raise StepFailed(
                f"There is no variable {name!r} at the end of the notebook, but it is a result.",
                "Assign it in the notebook, or take it out of the step's `results`.",
            )
        is_a = f" (it is a {ast.literal_eval(_text(type))})" if type.get("status") == "ok" else ""
        raise StepFailed(
            f"The result {name!r} can't be kept as JSON{is_a}: "
            f"{quoted(str(told.get('evalue', '')))}.",
            "Make it a number, a text, a list or a dictionary of these; write other things into a "
            "file and declare that as an output.",
        )
    return _json(name, ast.literal_eval(_text(told)), "the notebook has")


def _text(told: dict[str, Any]) -> str:
    """What IPython shows of a text: Python's way to write it."""
    return str(told["data"]["text/plain"])


def _json(name: str, text: str, whence: str) -> JsonValue:
    if len(text) > LARGEST:
        raise StepFailed(f"The result {name!r} is larger than {LARGEST // 1024} KiB.", _SMALLER)
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise StepFailed(
            f"The result {name!r} is not JSON: {whence} {quoted(text, 80)!r}.",
            'Write it like `n=3`, `name="some text"` or `xs=[1, 2]`.',
        ) from None
    return value


def _no_number(text: str) -> JsonValue:
    raise ValueError(text)
