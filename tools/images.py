"""Builds the container images and brings them to a cluster.

Without further settings they are built by docker or buildah into its own store. What is set by
environment variables:

- ``IMAGE_NAME``: what the images are called, default ``localhost/alongside-{target}:test``;
- ``IMAGE_BASE``: the image to start from, default as ``images/Dockerfile`` has it;
- ``IMAGE_BUILD_ARGUMENTS``: more for ``docker build`` or ``buildah build``;
- ``IMAGE_LOAD_COMMAND``: run for each image, to bring it to a cluster. In it stand ``{name}`` for
  the image's name, ``{archive}`` for a file with the image (made only when asked for) and, for a
  command that builds the image itself, ``{arguments}`` for what it is to build with, ``{context}``
  for the folder that it is built from.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("session", "service", "hub")
DOUBLE = "arkouda-double"
"""An image for tests only: what stands in for one with a real Arkouda server."""
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
"""Docker hands these on from its own settings only. Their values, which may have a password in
them, are taken by the builder from its environment and are in no argument."""
LIMIT = 1800  # seconds for one command


def name_of(target: str, environment: Mapping[str, str] = os.environ) -> str:
    """What an image is called, with its tag."""
    pattern = environment.get("IMAGE_NAME") or "localhost/alongside-{target}:test"
    return pattern.replace("{target}", target)


def arguments(target: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """What every builder is told, beside the image's name and its context."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    values = {"VERSION": project["version"]}
    if base := environment.get("IMAGE_BASE"):
        values["BASE"] = base
    if target == DOUBLE:
        which = [f"--file={ROOT / 'tests/kubernetes/images' / DOUBLE / 'Dockerfile'}"]
    else:
        which = [f"--file={ROOT / 'images' / 'Dockerfile'}", f"--target={target}"]
    return [
        *which,
        *(f"--build-arg={name}={value}" for name, value in values.items()),
        *(f"--build-arg={name}" for name in environment if name.lower() in PROXIES),
        *shlex.split(environment.get("IMAGE_BUILD_ARGUMENTS", "")),
    ]


def context(target: str) -> str:
    """The folder that an image is built from."""
    return str(ROOT / "tests" / "doubles" if target == DOUBLE else ROOT)


def words(template: str, values: Mapping[str, str | list[str]]) -> list[str]:
    """A command with its placeholders filled in; nothing in a value is read by a shell."""
    line: list[str] = []
    for word in shlex.split(template):
        value = values.get(word.strip("{}")) if word.startswith("{") else None
        if isinstance(value, list):
            line += value
            continue
        for name, one in values.items():
            if isinstance(one, str):
                word = word.replace(f"{{{name}}}", one)
        line.append(word)
    return line


def builder(which: Callable[[str], str | None] = shutil.which) -> str:
    """The program that builds: docker, if it has an engine to work with, else buildah."""
    if which("docker") and _succeeds(["docker", "info", "--format", "{{.ServerVersion}}"]):
        return "docker"
    if which("buildah"):
        return "buildah"
    sys.exit("Building images needs docker with its engine running, or buildah. Install one.")


def build(program: str, target: str) -> None:
    """Build an image into the program's own store."""
    # Docker reuses what it has built before, buildah when asked to.
    layers = ["--layers"] if program == "buildah" else []
    _run(
        [program, "build", *layers, f"--tag={name_of(target)}", *arguments(target), context(target)]
    )


def save(program: str, name: str, archive: Path) -> None:
    """Write an image from the program's store into a file."""
    if program == "docker":
        _run(["docker", "save", f"--output={archive}", name])
    else:
        _run(["buildah", "push", "--quiet", name, f"docker-archive:{archive}:{name}"])


def bring(target: str, load: str) -> None:
    """Build one image and, where there is a command for it, load it."""
    name = name_of(target)
    values: dict[str, str | list[str]] = {
        "name": name,
        "target": target,
        "context": context(target),
        "arguments": arguments(target),
    }
    if "{arguments}" in load:
        _run(words(load, values))
        return
    program = builder()
    build(program, target)
    if "{archive}" in load:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, f"alongside-{target}.tar")
            save(program, name, archive)
            _run(words(load, {**values, "archive": str(archive)}))
    elif load:
        _run(words(load, values))


def _succeeds(line: list[str]) -> bool:
    try:
        done = subprocess.run(line, capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and bool(done.stdout.strip())


def _run(line: list[str]) -> None:
    code = subprocess.run(line, stdin=subprocess.DEVNULL, check=False, timeout=LIMIT).returncode
    if code:
        sys.exit(f"This failed with exit code {code}: {shlex.join(line)}")


def main(chosen: list[str]) -> int:
    """Build, and load, these images or all; the exit code."""
    unknown = set(chosen) - {*TARGETS, DOUBLE}
    if unknown:
        known = ", ".join((*TARGETS, DOUBLE))
        print(f"No such image: {', '.join(sorted(unknown))}. There are: {known}.")
        return 2
    load = os.environ.get("IMAGE_LOAD_COMMAND", "")
    for target in chosen or TARGETS:
        began = time.monotonic()
        bring(target, load)
        print(f"ok  {name_of(target)} ({time.monotonic() - began:.1f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
