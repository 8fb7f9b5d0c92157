"""Renders the reference documentation from the code: traits, models, routes, commands, functions.

Pure functions from code to Markdown; `write` puts the pages where the documentation's build looks
for them. Nothing is described here: the words are those of help texts, field descriptions and
docstrings.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from traitlets import HasTraits, TraitType, Undefined

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "alongside"
LAB = ROOT / "labextension"
PREFIX = "/services/alongside/"
METHODS = ("get", "post", "patch", "put", "delete")


# Configuration


def configurables() -> list[type[HasTraits]]:
    """Every class of ours that has settings."""
    from alongside.platforms import platform_class, platform_names
    from alongside_lab.application import AlongsideLab
    from alongside_service.settings import AlongsideService
    from alongside_spawners.kubernetes import AlongsideKubeSpawner, PodSpawner
    from alongside_spawners.local import AlongsideLocalSpawner, LocalSessionSpawner
    from alongside_spawners.mixin import AlongsideMixin

    platforms = [platform_class(name) for name in platform_names()]
    spawners: list[type[HasTraits]] = [AlongsideMixin, LocalSessionSpawner, AlongsideLocalSpawner]
    spawners += [PodSpawner, AlongsideKubeSpawner]
    return [*spawners, AlongsideService, *platforms, AlongsideLab]


def settings(cls: type[HasTraits]) -> dict[str, TraitType[Any, Any]]:
    """The settings that a class adds to those of its parents."""
    return {
        name: trait
        for name, trait in sorted(cls.class_own_traits(config=True).items())
        if name in vars(cls)
    }


def configuration() -> str:
    """The page about configuration."""
    lines = [
        "# Configuration",
        "",
        "Settings as `c.<class>.<name>`: those of the spawners in `jupyterhub_config.py`, those of",
        "`AlongsideService` and the platforms in the service's own file (its `--config`), those of",
        "`AlongsideLab` in the session's `jupyter_server_config.py`.",
    ]
    for cls in configurables():
        own = settings(cls)
        if not own:
            continue
        lines += ["", f"## {cls.__name__}", "", paragraphs(cls.__doc__).split("\n\n")[0]]
        for name, trait in own.items():
            lines += ["", f"### {cls.__name__}.{name}", "", _trait_line(trait), ""]
            lines.append(paragraphs(str(trait.help)))
    return "\n".join(lines) + "\n"


def _trait_line(trait: TraitType[Any, Any]) -> str:
    kind = type(trait).__name__
    default = trait.default_value
    if default is Undefined or default in (None, "") or callable(default):
        return f"*{kind}*"
    return f"*{kind}*, default `{default!r}`"


# Catalogue


def catalogue() -> str:
    """The page about the catalogue file and the options of kinds."""
    from alongside.catalogue import Catalogue
    from alongside.kinds import kinds

    lines = [
        "# Catalogue",
        "",
        "The keys of the catalogue file. Memory is written `4 GiB`, a length of time `30 min`.",
        "",
        "## The file",
        *_model(Catalogue.model_json_schema()),
    ]
    for name in kinds():
        kind = _kind(name)
        lines += ["", f"## Options of {kind.name}", "", kind.description]
        lines += _model(kind.Options.model_json_schema())
    return "\n".join(lines) + "\n"


def _kind(name: Any) -> Any:
    from alongside.kinds import get_kind

    return get_kind(name) if isinstance(name, str) else name


def _model(schema: dict[str, Any]) -> Iterator[str]:
    parts = schema.get("$defs", {})
    yield from _fields(schema, parts)
    for name, part in parts.items():
        if part.get("type") == "object":
            yield from ("", f"### {name}", "")
            if "description" in part:
                yield paragraphs(part["description"]).split("\n\n")[0]
            yield from _fields(part, parts)


def _fields(schema: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    required = schema.get("required", [])
    yield from ("", "| Key | Value | Default | Meaning |", "|---|---|---|---|")
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _default(field.get("default"))
        meaning = cell(field.get("description", ""))
        yield f"| `{name}` | {_type(field, parts)} | {default} | {meaning} |"


def _default(value: Any) -> str:
    return "" if value in (None, {}, [], "") else f"`{value}`"


def _type(field: dict[str, Any], parts: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        if parts[name].get("type") != "object":
            return _type(parts[name], parts)
        return f"[{name}](#{name.lower()})"
    if field.get("format") == "memory":
        return "amount of memory"
    if field.get("format") == "duration-text":
        return "length of time"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(one, parts) for one in field["anyOf"] if one.get("type") != "null")
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), parts)}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"mapping to {_type(field['additionalProperties'], parts)}"
    words = {"integer": "whole number", "string": "text", "boolean": "`true` or `false`"}
    kind = str(field.get("type", "any value"))
    return words.get(kind, kind)


# REST


def openapi() -> dict[str, Any]:
    """The OpenAPI document as the service publishes it."""
    from alongside_service.app import create_app
    from alongside_service.settings import AlongsideService

    # Made, but never opened: it starts nothing, reads nothing and asks nobody.
    settings = AlongsideService(prefix=PREFIX, home="nowhere", catalogue="nowhere")
    return create_app(settings.make_service("http://127.0.0.1/hub/api", "none")).openapi()


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def rest_api() -> str:
    """The page about the REST API."""
    document = openapi()
    parts = document["components"]["schemas"]
    lines = [
        "# REST API",
        "",
        paragraphs(document["info"].get("description", "")),
        "",
        f"The OpenAPI {document['openapi']} document is at `{PREFIX}api/v1/openapi.json`.",
    ]
    for method, path, operation in routes(document):
        short = path.removeprefix(f"{PREFIX}api/v1")
        lines += ["", f"## {method} {short}", "", f"{operation['summary']}."]
        if operation.get("description"):
            lines += ["", paragraphs(operation["description"])]
        parameters = operation.get("parameters", [])
        if parameters:
            lines += ["", "| Parameter | In | Meaning |", "|---|---|---|"]
            for one in parameters:
                lines.append(f"| `{one['name']}` | {one['in']} | {cell(_meaning(one))} |")
        body = operation.get("requestBody", {}).get("content", {})
        for content in body.values():
            lines += ["", f"Body: {_type(content.get('schema', {}), parts)}"]
        answers = operation.get("responses", {}).items()
        lines += ["", "| Answer | Meaning |", "|---|---|"]
        lines += [f"| {status} | {cell(a.get('description', ''))} |" for status, a in answers]
    lines += ["", "## Bodies"]
    for name, schema in parts.items():
        if schema.get("type") == "object":
            lines += ["", f"### {name}", "", paragraphs(schema.get("description", "")), ""]
            lines += _fields(schema, parts)
    return "\n".join(lines) + "\n"


def _meaning(parameter: dict[str, Any]) -> str:
    return str(parameter.get("description") or parameter.get("schema", {}).get("description", ""))


# Command line


def parser() -> argparse.ArgumentParser:
    """The parser of the command `alongside`."""
    from alongside.cli.arguments import make_parser

    return make_parser()


def commands(whole: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands, and of theirs, by name."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                found[name] = one
                found |= {f"{name} {below}": part for below, part in commands(one).items()}
    return found


def command_line() -> str:
    """The page about the command line."""
    whole = parser()
    lines = ["# Command line", "", paragraphs(whole.description), ""]
    lines += ["```text", _help(whole), "```"]
    for name, one in commands(whole).items():
        lines += ["", f"## alongside {name}", "", paragraphs(one.description), ""]
        lines += ["```text", _help(one), "```"]
    return "\n".join(lines) + "\n"


def _help(one: argparse.ArgumentParser) -> str:
    one.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=88)
    return one.format_help().strip()


# Python


def documented_objects() -> list[tuple[str, Any]]:
    """What ``import alongside`` offers, then units, errors and contracts."""
    import alongside
    from alongside import errors

    public = [(f"alongside.{name}", getattr(alongside, name)) for name in alongside.__all__]
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
        if not inspect.isclass(one) or issubclass(one, Exception):
            continue
        for method, function in public_methods(one):
            lines += ["", f"### {one.__name__}.{method}", "", *_object(method, function)]
    return "\n".join(lines) + "\n"


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
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    if inspect.isclass(one):
        signature = signature.replace(return_annotation=inspect.Signature.empty)
    text = str(signature.replace(parameters=parameters))
    return text.replace("'", "").replace("alongside.handle.", "").replace("alongside.models.", "")


# Helm


def chart_values() -> str:
    """The page about the values of the Helm chart, from its schema and its defaults."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    defaults = YAML(typ="safe").load(CHART / "values.yaml")
    lines = [
        "# Values of the chart",
        "",
        "The values of `deploy/helm/alongside`. An unknown one, or a wrong one, is refused before",
        "anything is installed.",
    ]
    single = {n: one for n, one in schema["properties"].items() if "properties" not in one}
    lines += ["", *_values({"properties": single}, defaults, "")]
    for name, one in schema["properties"].items():
        if "properties" in one:
            lines += ["", f"## {name}", "", paragraphs(one["description"]), ""]
            lines += _values(one, defaults[name], f"{name}.")
    return "\n".join(lines) + "\n"


def _values(schema: dict[str, Any], defaults: dict[str, Any], above: str) -> Iterator[str]:
    yield from ("| Value | Default | Meaning |", "|---|---|---|")
    yield from _rows(schema, defaults, above)


def _rows(schema: dict[str, Any], defaults: dict[str, Any], above: str) -> Iterator[str]:
    for name, one in schema["properties"].items():
        default = defaults.get(name)
        if "properties" in one:
            yield from _rows(one, default or {}, f"{above}{name}.")
        else:
            empty = default in (None, "", {}, [])
            text = "" if empty else f"`{json.dumps(default)}`"
            yield f"| `{above}{name}` | {text} | {cell(one['description'])} |"


# JupyterLab


def lab_settings() -> dict[str, Any]:
    """The schema of what users can set in JupyterLab's settings editor."""
    found: dict[str, Any] = json.loads((LAB / "schema" / "plugin.json").read_text("utf-8"))
    return found


def lab_commands() -> dict[str, str]:
    """What each command of the Lab extension does, by its id: the comments in its list."""
    text = (LAB / "src" / "tokens.ts").read_text(encoding="utf-8")
    _, _, listing = text.partition("export const CommandIDs")
    pattern = r"/\*\*\s*(.*?)\s*\*/\s*\w+: '(alongside:[\w-]+)'"
    return {id: told for told, id in re.findall(pattern, listing, re.DOTALL)}


def lab_routes() -> Iterator[tuple[str, type]]:
    """The addresses that the server extension answers at, with their handlers."""
    from alongside_lab.routes import routes

    for pattern, handler, _ in routes(*[None] * 3):  # type: ignore[arg-type]
        yield pattern, handler


def jupyterlab() -> str:
    """The page about the panel's settings, commands and addresses."""
    schema, commands = lab_settings(), lab_commands()
    lines = ["# JupyterLab", "", "## Settings", ""]
    lines += ["Under *Settings → Settings Editor → Alongside*, for each user.", ""]
    lines += ["| Setting | Default | Meaning |", "|---|---|---|"]
    for name, field in schema["properties"].items():
        told = cell(f"{field['title']}. {field['description']}")
        lines.append(f"| `{name}` | `{json.dumps(field['default'])}` | {told} |")
    lines += ["", "## Commands", ""]
    lines += ["In the command palette, in menus, and for keyboard shortcuts of one's own.", ""]
    lines += ["| Command | What it does |", "|---|---|"]
    lines += [f"| `{id}` | {cell(told.rstrip('.'))}. |" for id, told in commands.items()]
    lines += ["", "## Shortcuts", "", "| Keys | Command |", "|---|---|"]
    for shortcut in schema.get("jupyter.lab.shortcuts", []):
        lines.append(f"| {' '.join(shortcut['keys'])} | `{shortcut['command']}` |")
    lines += ["", "## Addresses", ""]
    lines += ["Below the session's own address; each asks for the session's login.", ""]
    lines += ["| Address | What answers there |", "|---|---|"]
    for pattern, handler in lab_routes():
        told = (inspect.getdoc(handler) or "").partition("\n")[0]
        lines.append(f"| `{_plain(pattern)}` | {cell(told)} |")
    return "\n".join(lines) + "\n"


def _plain(pattern: str) -> str:
    """An address as people write it, from a regular expression."""
    from alongside_lab.requests import ID

    return pattern.replace(f"({ID})", "{id}").replace("(.*)", "{path}")


# Text


def paragraphs(text: str | None) -> str:
    """A docstring as Markdown: indentation and reStructuredText's double backticks removed."""
    return inspect.cleandoc(text or "").replace("``", "`").replace("<", "&lt;")


def cell(text: str) -> str:
    """Text for one cell of a table."""
    return " ".join(paragraphs(text).split()).replace("|", "\\|")


PAGES = {
    "configuration": configuration,
    "catalogue": catalogue,
    "rest-api": rest_api,
    "command-line": command_line,
    "python": python_api,
    "chart-values": chart_values,
    "jupyterlab": jupyterlab,
}


def write(folder: Path, names: Iterable[str] = PAGES) -> None:
    """Write the pages; one that hasn't changed is left alone, so that builds stay incremental."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path, text = folder / f"{name}.md", PAGES[name]()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
