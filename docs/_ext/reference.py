"""Sphinx extension: the reference pages are rendered from the code before they are read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def generate(app: Any) -> None:
    """Write the pages into ``reference/generated``."""
    sys.path.insert(0, str(ROOT / "tools"))
    import reference_pages

    reference_pages.write(Path(app.srcdir) / "reference" / "generated")


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True}
