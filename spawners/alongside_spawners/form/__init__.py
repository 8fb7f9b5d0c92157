"""The spawn form: what is offered as HTML, and what comes back as spawn options.

`view` turns the service's answers into what the page shows, `template.html`, `style.css` and
`script.js` show it, `choice_from_form` reads it back. Nothing is validated here for good: the
service checks what comes of the form like anything that comes over REST.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, Template

from alongside.errors import AlongsideError
from alongside_spawners.form.answers import choice_from_form
from alongside_spawners.form.view import FormView


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("alongside_spawners.form", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html")


@cache
def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def render_form(offers: Mapping[str, Any], last: Any) -> str:
    """The form for what the service offers a user, starting with the `last` spawn options.

    `offers` has the answers of ``GET catalogue`` and ``GET me``. `last` may be anything.
    """
    return _render(view=FormView.of(offers, last), error=None)


def render_without_service(error: AlongsideError) -> str:
    """The form when the service does not answer: it says so, and offers the session alone."""
    return _render(view=None, error=error)


def _render(**context: Any) -> str:
    return _template().render(style=_source("style.css"), script=_source("script.js"), **context)


__all__ = ["choice_from_form", "render_form", "render_without_service"]
