"""Inputs and outputs: local ones are used in place, others come and go by fsspec."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from alongside_workflows.step import staging
from alongside_workflows.step.failing import StepFailed
from alongside_workflows.step.staging import Staged
from alongside_workflows.task import BAD_INPUT, CRATE, FAILED
from tests.workflows.notebooks import Attempt
from tests.workflows.test_step_notebooks import read_crate

# fsspec's `local:` is a file system like any other to us; only `file:` and paths are used in place.


def test_local_places_are_used_as_they_are(tmp_path: Path) -> None:
    staged = staging.fetch("data", "a/b.csv", tmp_path, tmp_path / "inputs")
    assert staged == Staged("a/b.csv", tmp_path / "a" / "b.csv")
    absolute = staging.fetch("data", "file:///a/b%20c", tmp_path, tmp_path)
    assert absolute.path == Path("/a/b c")
    assert staging.local("~/x", tmp_path) == Path.home() / "x"


def test_a_file_and_a_directory_are_fetched(tmp_path: Path) -> None:
    source = tmp_path / "store" / "data.zarr" / "0"
    source.mkdir(parents=True)
    (source / "chunk").write_text("chunk")
    into = tmp_path / "inputs"
    file = staging.fetch("one", f"local://{source}/chunk", tmp_path, into)
    assert file.path == into / "one" / "chunk"
    assert file.path.read_text() == "chunk"
    whole = staging.fetch("all", f"local://{source.parent}", tmp_path, into)
    assert whole.path == into / "all" / "data.zarr"
    assert (whole.path / "0" / "chunk").read_text() == "chunk"
    assert sorted(p.name for p in into.iterdir()) == ["all", "one"]


def test_a_part_of_an_archive_is_fetched(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/data.csv", "1,2")
    url = f"zip://in/data.csv::{tmp_path}/a.zip"
    assert staging.fetch("data", url, tmp_path, tmp_path / "i").path.read_text() == "1,2"


@pytest.mark.parametrize(
    ("url", "code", "message"),
    [
        ("local:///no/such/file", BAD_INPUT, "An input is missing: data"),
        ("nonsense://a/b", BAD_INPUT, "nonsense://a/b can't be used"),
        ("http://127.0.0.1:9/data.csv", FAILED, "could not be fetched from http://127.0.0.1:9/"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_leaves_nothing(
    tmp_path: Path, url: str, code: int, message: str
) -> None:
    with pytest.raises(StepFailed) as error:
        staging.fetch("data", url, tmp_path, tmp_path / "inputs")
    assert message in error.value.message
    assert error.value.exit_code == code
    assert error.value.remedy
    assert not list(tmp_path.glob("inputs/*"))


def test_what_may_be_secret_is_not_shown() -> None:
    secret = "s3cret"
    url = f"ftp://ada:{secret}@host:21/a.csv?signature={secret}"
    assert staging.shown(url) == "ftp://host:21/a.csv"
    assert "s3cret" not in staging.shown(f"simplecache::{url}")


def test_a_step_reads_and_writes_elsewhere(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "in.txt").write_text("data")
    script = 'tr a-z A-Z < "$source" > "$made"; mkdir "$many"; cp "$source" "$many/copy"'
    attempt = Attempt(
        tmp_path,
        step={
            "command": ["sh", "-c", script],
            "inputs": {"source": f"local://{store}/in.txt"},
            "outputs": {
                "made": f"local://{store}/new/out.txt",
                "many": f"local://{store}/many.zarr",
            },
        },
    )
    outcome = attempt.run()
    assert outcome.succeeded, (outcome, attempt.log)
    assert (store / "new" / "out.txt").read_text() == "DATA"
    assert (store / "many.zarr" / "copy").read_text() == "data"
    entities = read_crate(attempt.folder / CRATE)
    assert f"local://{store}/new/out.txt" in entities
    assert set(outcome.outputs) == {"made", "many"}


def test_nothing_is_put_anywhere_by_a_step_that_fails(tmp_path: Path) -> None:
    script = 'echo half > "$made"; exit 1'
    outputs = {"made": f"local://{tmp_path}/out.txt"}
    attempt = Attempt(tmp_path, step={"command": ["sh", "-c", script], "outputs": outputs})
    assert attempt.run().exit_code == FAILED
    assert not (tmp_path / "out.txt").exists()


def test_an_output_that_cannot_be_put_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    script = 'echo whole > "$made"'
    outputs = {"made": f"local://{tmp_path}/file/out.txt"}
    attempt = Attempt(tmp_path, step={"command": ["sh", "-c", script], "outputs": outputs})
    outcome = attempt.run()
    assert outcome.exit_code == FAILED
    assert outcome.message.startswith("The output made could not be put to")


def test_a_record_keeps_no_secret(tmp_path: Path) -> None:
    attempt = Attempt(
        tmp_path,
        token="s3cret",
        image="registry.example.org:5000/team/image:1.2@sha256:" + "a" * 64,
        step={
            "command": ["true"],
            "environment": {"PASSWORD": "s3cret"},
            "backend": None,
        },
    )
    assert attempt.run().succeeded
    text = (attempt.folder / CRATE).read_text()
    assert "s3cret" not in text
    entities = read_crate(attempt.folder / CRATE)
    image = entities[entities["#attempt"]["containerImage"]["@id"]]
    assert (image["registry"], image["name"]) == ("registry.example.org:5000", "team/image")
    assert (image["tag"], image["sha256"]) == ("1.2", "a" * 64)
    assert json.loads(text)["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
