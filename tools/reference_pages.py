"""Renders the reference documentation from the code: traits, models, routes, commands, functions.

Pure functions from code to Markdown; `write` puts the pages where the documentation's build looks
for them. Nothing is described here: the words are those of help texts, field descriptions and
docstrings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from traitlets import HasTraits, TraitType, Undefined

from reference_jupyterlab import jupyterlab
from reference_python import python_api
from reference_text import cell, paragraphs

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "alongside"
PREFIX = "/services/alongside/"
METHODS = ("get", "post", "patch", "put", "delete")


# Configuration


def configurables() -> list[type[HasTraits]]:
    """Every class of ours that has settings."""
    from alongside.platforms import platform_class, platform_names
    from alongside_authenticators.header import HeaderAuthenticator
    from alongside_authenticators.ldap import LdapEntry
    from alongside_authenticators.ldap_hooks import LDAP
    from alongside_authenticators.unsafe_remote_user import RemoteUserAuthenticator
    from alongside_lab.application import AlongsideLab
    from alongside_service.argo_settings import ArgoRuns
    from alongside_service.settings import AlongsideService
    from alongside_spawners.kubernetes import AlongsideKubeSpawner, PodSpawner
    from alongside_spawners.local import AlongsideLocalSpawner, LocalSessionSpawner
    from alongside_spawners.mixin import AlongsideMixin

    platforms = [platform_class(name) for name in platform_names()]
    spawners: list[type[HasTraits]] = [AlongsideMixin, LocalSessionSpawner, AlongsideLocalSpawner]
    spawners += [PodSpawner, AlongsideKubeSpawner]
    authenticators: list[type[HasTraits]] = [HeaderAuthenticator, RemoteUserAuthenticator]
    authenticators += [LdapEntry, LDAP]
    services = [AlongsideService, ArgoRuns]
    return [*spawners, *authenticators, *services, *platforms, AlongsideLab]


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
        "Settings as `c.<class>.<name>`: those of spawners and authenticators in",
        "`jupyterhub_config.py`, those of `AlongsideService`, `ArgoRuns` and the platforms in the",
        "service's own file (its `--config`), those of `AlongsideLab` in the session's",
        "`jupyter_server_config.py`.",
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


def workflow() -> str:
    """The page about definitions of workflows."""
    from alongside_workflows import Workflow
    from alongside_workflows.nested import Nested

    lines = [
        "# Workflow",
        "",
        "The keys of a definition, in YAML or JSON. Memory is written `4 GiB`, a length of time",
        "`30 min`.",
        "",
        "## The workflow",
        *_model(Workflow.model_json_schema()),
        "",
        "## A step that is a workflow",
        "",
        "Its steps take its place.",
        *_model(Nested.model_json_schema()),
    ]
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


PAGES = {
    "configuration": configuration,
    "catalogue": catalogue,
    "workflow": workflow,
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
