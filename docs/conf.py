"""The documentation's build: MyST pages, nothing fetched from elsewhere."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Alongside"
author = "Alongside contributors"
copyright = "Alongside contributors"
version = release = installed("jupyterhub-alongside")

extensions = ["myst_parser", "reference"]
exclude_patterns = ["_build", "_ext"]
nitpicky = True
# Pages outside of this folder (CONTRIBUTING.md) link to pages in it by their place in the source.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

html_theme = "pydata_sphinx_theme"
html_title = "Alongside"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_context = {"default_mode": "auto"}
