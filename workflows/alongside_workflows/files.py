"""Definitions and notebooks in files: read strictly, with the line of what is wrong."""

from __future__ import annotations

import io
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from alongside import strict_yaml
from alongside.errors import AlongsideError, InvalidFields, InvalidRequest, StorageFailed
from alongside.requests import parse
from alongside_workflows import nested
from alongside_workflows.model import Workflow
from alongside_workflows.step import opening, staging
from alongside_workflows.step.failing import StepFailed

DEFINITIONS = (".yaml", ".yml", ".json")
"""How the names of definitions end."""


def read_workflow(path: str | os.PathLike[str], *, within: tuple[Path, ...] = ()) -> Workflow:
    """The workflow that a YAML or JSON file defines.

    Where its `directory` is relative or absent, that is meant from the file's folder. Raises
    `alongside.errors.InvalidRequest` with all that is wrong, each with its line.

    within : the files that it is a step in, outermost first
    """
    place = Path(path)
    file = place.resolve()
    if file in within:
        raise InvalidRequest(
            f"{path} is a step of itself.", "Take that step out, or name another workflow."
        )
    return parse_workflow(_read(place), str(path), file.parent, within=(*within, file))


def parse_workflow(
    text: str,
    name: str = "workflow",
    folder: Path | None = None,
    *,
    within: tuple[Path, ...] = (),
) -> Workflow:
    """The workflow that this text defines; `name` is what errors call it.

    A manifest of Argo's is understood as well, as far as there is a counterpart. For `within` see
    `read_workflow`.
    """
    try:
        return _parsed(text, name, folder, within)
    except RecursionError:
        raise _too_deep(name) from None


def _parsed(text: str, name: str, folder: Path | None, within: tuple[Path, ...]) -> Workflow:
    content = _plain(_content(text, name))
    if not isinstance(content, dict):
        raise InvalidRequest(
            f"{name} defines no workflow.", "Begin with `name:`, and list the steps below `steps:`."
        )
    if "apiVersion" in content:
        from alongside_workflows.hera_objects import read_argo  # rarely needed

        return placed(read_argo(content), folder)
    try:
        return _defined(content, folder, within)
    except InvalidFields as wrong:
        raise InvalidFields([_placed(one, text, name) for one in wrong.errors]) from None


def _defined(content: dict[str, Any], folder: Path | None, within: tuple[Path, ...]) -> Workflow:
    """The workflow with this content, and those in it. Raises InvalidFields."""
    directory = content.get("directory", "")
    if folder is not None and isinstance(directory, str):
        content["directory"] = os.path.normpath(folder / directory)

    def read(wanted: Any) -> Workflow:
        if isinstance(wanted, str):
            return read_workflow((folder or Path()) / wanted, within=within)
        if isinstance(wanted, dict):
            there = {key: content[key] for key in ("directory",) if key in content}
            return _defined({"name": "workflow", **there, **wanted}, folder, within)
        raise InvalidRequest("This is no workflow.", "Write its path, or its definition.")

    return nested.unfold(content, read).checked()


def placed(flow: Workflow, folder: Path | None) -> Workflow:
    """The same with this directory, if it has none."""
    if folder is None or flow.directory:
        return flow
    return parse(Workflow, flow.model_dump(exclude_unset=True) | {"directory": str(folder)})


def to_yaml(workflow: Workflow) -> str:
    """A workflow as a definition in YAML: what is as usual is left out.

    >>> from alongside_workflows import workflow
    >>> w = workflow("hello", directory="/data")
    >>> step = w.command("hello", ["echo", "Hello"])
    >>> print(to_yaml(w.build()))
    name: hello
    steps:
    - name: hello
      command:
      - echo
      - Hello
    directory: /data
    <BLANKLINE>
    """
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # only None at first
    writer.allow_unicode = True
    out = io.StringIO()
    writer.dump(workflow.model_dump(mode="json", exclude_defaults=True), out)
    return out.getvalue()


def write_workflow(workflow: Workflow, path: str | os.PathLike[str]) -> None:
    """Write a definition, as JSON where the name says so, else as YAML."""
    place = Path(path)
    if place.suffix == ".json":
        data = workflow.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    else:
        text = to_yaml(workflow)
    try:
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageFailed(
            f"{place} can't be written: {error.strerror}.", "Choose another place."
        ) from None


def read_values(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Parameters from a YAML or JSON file: a mapping of names to values."""
    found = _plain(_content(_read(Path(path)), str(path)))
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise InvalidRequest(f"{path} has no parameters.", "Write a line `name: value` for each.")
    return found


def read_notebook(path: str | os.PathLike[str]) -> Any:
    """The notebook in this file as a `nbformat.NotebookNode`, in the newest form, without outputs.

    Raises InvalidRequest when it is none that can be executed.
    """
    try:
        return opening.parsed(opening.read(Path(path)))
    except StepFailed as error:
        raise InvalidRequest(error.message, error.remedy) from None


def with_notebooks(flow: Workflow) -> Workflow:
    """The same, with its notebooks: for an executor that doesn't see our files.

    They are those of this moment, without outputs. Relative paths begin in the home of the step
    then, whatever that is; so inputs and outputs ought to be URLs. Raises InvalidRequest for a
    notebook that can't be read.
    """
    brought = dict(flow.notebooks)
    for step in flow.steps:
        for place in (step.notebook, step.retry.notebook):
            if place is not None and place not in brought and not staging.is_url(place):
                path = staging.local(place, Path(flow.directory or Path.home()))
                brought[place] = json.loads(json.dumps(read_notebook(path)))
    said = flow.model_dump(exclude_unset=True)
    return parse(Workflow, {**said, "notebooks": brought, "directory": ""})


def value_of(text: str) -> Any:
    """A value as YAML writes it: ``10`` is a number, ``[1, 2]`` a list, ``yes`` a text.

    What is no YAML, as ``a: b: c`` or ``*``, is the text itself.
    """
    try:
        value = _plain(strict_yaml.load(text, "value", InvalidRequest))
        json.dumps(value, allow_nan=False)
    except (AlongsideError, TypeError, ValueError):
        return text
    return value


def _read(path: Path) -> str:
    try:
        return strict_yaml.read(path, InvalidRequest)
    except OSError as error:
        raise _unread(path, error) from None


def _content(text: str, name: str) -> Any:
    if name.endswith(".json"):
        return _json(text, name)
    return strict_yaml.load(text, name, InvalidRequest)


def _json(text: str, name: str) -> Any:
    """JSON has tabs where YAML has none; else the same rules."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InvalidRequest(
                f"{name}: the key {twice!r} is there twice.", "Remove or rename one of them."
            )
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"{name}, line {error.lineno}: {error.msg}.", "Correct the JSON."
        ) from None
    except RecursionError:
        raise _too_deep(name) from None


def _too_deep(name: str) -> InvalidRequest:
    return InvalidRequest(f"{name} is nested too deeply.", "Make it flat.")


def _plain(value: Any) -> Any:
    """Dates, which YAML knows and JSON does not, as text."""
    match value:
        case dict():
            return {_plain(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case date():
            return value.isoformat()
    return value


def _placed(wrong: InvalidRequest, text: str, name: str) -> InvalidRequest:
    """The same with the line that it is about."""
    place = tuple(int(part) if part.isdigit() else part for part in wrong.field.split("."))
    try:
        line = strict_yaml.line_of(text, place)
    except Exception:  # JSON with tabs is no YAML; the place is in the sentence as well
        line = 0
    where = f"{name}, line {line}" if line else name
    return InvalidRequest(f"{where}: {wrong.message}", wrong.remedy, wrong.field)


def _unread(path: Path, error: OSError) -> InvalidRequest:
    return InvalidRequest(
        f"{path} can't be read: {error.strerror or error}.", "Check where it is and its name."
    )
