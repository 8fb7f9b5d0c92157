"""The tool behind `make images`: what it makes of its settings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.house.scripts import script
from tests.house.test_source import ROOT, tracked

images = script("images")


def test_images_are_named_by_a_pattern() -> None:
    """For a registry of one's own, say."""
    assert images.name_of("hub", {}) == "localhost/alongside-hub:test"
    assert images.name_of("hub", {"IMAGE_NAME": "r.example/{target}:2"}) == "r.example/hub:2"


def test_every_builder_is_told_file_target_version_and_base() -> None:
    """And what else the user wants to tell it."""
    told = images.arguments(
        "service", {"IMAGE_BASE": "debian:12", "IMAGE_BUILD_ARGUMENTS": "--pull --label 'a=b c'"}
    )
    assert told[0] == f"--file={ROOT}/images/Dockerfile"
    assert "--target=service" in told
    assert "--build-arg=BASE=debian:12" in told
    assert any(word.startswith("--build-arg=VERSION=") for word in told)
    assert told[-3:] == ["--pull", "--label", "a=b c"]
    assert not [w for w in images.arguments("service", {}) if "BASE" in w]


@pytest.mark.shows("K115")
def test_builds_are_told_of_the_sites_proxy() -> None:
    """By name alone: there may be a password in it."""
    site = {"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "localhost"}
    told = images.arguments("session", site)
    assert {"--build-arg=HTTPS_PROXY", "--build-arg=no_proxy"} <= set(told)
    assert "proxy.example" not in " ".join(told)
    assert not [word for word in images.arguments("session", {}) if "proxy" in word.lower()]


def test_a_load_command_is_filled_in_word_by_word() -> None:
    """No value can become a command or two words."""
    values = {"name": "a b; c", "archive": "/x y.tar", "arguments": ["--one", "--two three"]}
    assert images.words("load --image={name} {archive} {arguments}", values) == [
        "load",
        "--image=a b; c",
        "/x y.tar",
        "--one",
        "--two three",
    ]


def test_a_load_command_that_builds_is_all_that_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither docker nor buildah is needed then."""
    said = tmp_path / "said"
    program = tmp_path / "both"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{said}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    images.bring("hub", f"{program} {{name}} {{context}} {{arguments}}")
    words = said.read_text().splitlines()
    assert words[:2] == [images.name_of("hub"), str(ROOT)]
    assert "--target=hub" in words


def test_a_builder_that_is_missing_is_told_in_a_sentence() -> None:
    """With what to install."""
    with pytest.raises(SystemExit, match="docker with its engine running, or buildah"):
        images.builder(lambda name: None)


def test_a_build_that_fails_ends_the_run(tmp_path: Path) -> None:
    """With the command, so that it can be tried by hand."""
    with pytest.raises(SystemExit, match=r"exit code 1: false .*hub"):
        images.bring("hub", "false {name} {arguments}")


def test_the_tool_and_the_dockerfile_know_the_same_images() -> None:
    """Each has a lock file."""
    text = (ROOT / "images" / "Dockerfile").read_text(encoding="utf-8")
    for target in images.TARGETS:
        assert f"FROM python AS {target}\n" in text
        assert (ROOT / "requirements" / f"image-{target}.txt").is_file()


def test_all_that_the_dockerfile_copies_is_let_through() -> None:
    """`.dockerignore` lets nothing else in, so a new file may be missing from it."""
    text = (ROOT / "images" / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let = [line[1:] for line in ignore if line.startswith("!")]
    copied = [
        word
        for line in text.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert copied
    for word in copied:
        assert any(Path(word).match(one) or word.startswith(f"{one}/") for one in let), word
        assert any(name.is_relative_to(word) for name in tracked()), word


def test_the_steps_of_the_images_are_a_shell_script_that_any_shell_reads() -> None:
    """Base images have different ones."""
    subprocess.run(["sh", "-n", str(ROOT / "images" / "install.sh")], check=True, timeout=20)
