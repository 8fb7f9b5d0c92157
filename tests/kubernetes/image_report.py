"""Run in an image: says, as JSON, as whom it runs, what it may write to and what is installed."""

import contextlib
import importlib
import json
import os
import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.markers import default_environment


def writable(folder: str) -> bool:
    """Whether a file can be made in it."""
    with contextlib.suppress(OSError):
        place = Path(folder, ".written")
        place.touch()
        place.unlink()
        return True
    return False


for name in sys.argv[1:]:
    importlib.import_module(name)
uncompiled = [
    name
    for name, module in list(sys.modules.items())
    if (cached := getattr(module, "__cached__", None)) and not Path(cached).exists()
]
report = {
    "user": os.getuid(),
    "writable": [f for f in ("/", "/tmp", "/opt/alongside", os.environ["HOME"]) if writable(f)],
    "packages": {one.metadata["Name"]: one.version for one in distributions()},
    "environment": dict(default_environment()),
    "uncompiled": sorted(uncompiled),
}
print(json.dumps(report))
