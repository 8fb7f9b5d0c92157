"""Text of the code as Markdown."""

from __future__ import annotations

import inspect


def paragraphs(text: str | None) -> str:
    """A docstring as Markdown: indentation and reStructuredText's double backticks removed."""
    return inspect.cleandoc(text or "").replace("``", "`").replace("<", "&lt;")


def cell(text: str) -> str:
    """Text for one cell of a table."""
    return " ".join(paragraphs(text).split()).replace("|", "\\|")
