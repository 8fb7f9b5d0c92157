"""The command line of `notebook_parameterizer`, for scripts that were written for it.

``python -m alongside_workflows.parameterizer [OPTIONS] NOTEBOOK_PATH PARAMETERS_PATH``. Exit
status: 0 when the notebook was written, 1 when it was not, 2 when the command line was wrong.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
from nbformat import NotebookNode
from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from alongside.errors import AlongsideError, InvalidRequest, NotFound, StorageFailed
from alongside_workflows.environment import PREFIX, expand
from alongside_workflows.rewriting import apply

FAILED = 1
_LARGEST = 16 * 2**20
"""Bytes of a file of parameters."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the notebook with the parameters of the file set; the exit status."""
    given = _parser().parse_args(arguments)
    try:
        notebook = read_notebook(Path(given.notebook_path))
        values = read_values(Path(given.parameters_path))
        if given.expand_env_values:
            values = expand(values, os.environ, notebook)
        text = _text(apply(notebook, values))
        if given.output_notebook_path is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            _write(Path(given.output_notebook_path), text)
    except AlongsideError as error:
        sys.stderr.write(f"notebook_parameterizer: {error}\n")
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return 0


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file, in version 4 of the format. Raises NotFound, InvalidRequest."""
    text = _content(path, "notebook")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about ids of cells that older notebooks don't have
            notebook: NotebookNode = nbformat.reads(text, as_version=4)
            nbformat.validate(notebook)
    except Exception as error:  # nbformat raises KeyError and others for what is no notebook
        raise InvalidRequest(
            f"{path} is not a notebook.", "Save it again with Jupyter, or give another file."
        ) from error
    return notebook


def read_values(path: Path) -> dict[str, JsonValue]:
    """The values in a YAML file ``name: value``. Raises NotFound, InvalidRequest."""
    text = _content(path, "file of parameters")
    remedy = "Write one line `name: value` for each parameter."
    try:
        if len(text) > _LARGEST:
            raise InvalidRequest(f"{path} is larger than {_LARGEST // 2**20} MiB.", remedy)
        values: Any = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        raise InvalidRequest(f"{path}{line}: this is not YAML.", remedy) from None
    except (ValueError, RecursionError):
        raise InvalidRequest(f"{path} has a value that can't be read.", remedy) from None
    if values is None:
        return {}
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise InvalidRequest(f"{path} does not have names with values.", remedy)
    return dict(values)


def _content(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"There is no {what} {path}.", "Check the path.") from None
    except OSError as error:
        raise InvalidRequest(f"{path} can't be read: {error.strerror}.", "Check it.") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is not text in UTF-8.", "Give another file.") from None


def _text(notebook: NotebookNode) -> str:
    written: str = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
    return written if written.endswith("\n") else f"{written}\n"


def _write(path: Path, text: str) -> None:
    """All or nothing: a full disk leaves no half notebook, and keeps an earlier one."""
    draft = path.with_name(f".{uuid4().hex}.ipynb")
    try:
        try:
            with draft.open("x", encoding="utf-8") as file:
                file.write(text)
            if path.exists():
                shutil.copymode(path, draft)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageFailed(
            f"{path} can't be written: {error.strerror}.", "Check the folder and its free space."
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="notebook_parameterizer",
        usage="%(prog)s [OPTIONS] NOTEBOOK_PATH PARAMETERS_PATH",
        description="Set variables of a notebook to the values in a YAML file `name: value`.",
        add_help=False,
    )
    parser.add_argument("notebook_path", metavar="NOTEBOOK_PATH", help="The notebook.")
    parser.add_argument("parameters_path", metavar="PARAMETERS_PATH", help="The YAML file.")
    parser.add_argument(
        "-o",
        "--output_notebook_path",
        metavar="TEXT",
        help="Where the notebook with the values is written; default: standard output.",
    )
    parser.add_argument(
        "-e",
        "--expand_env_values",
        action="store_true",
        help=f"Replace a value {PREFIX}NAME by what the environment variable NAME holds.",
    )
    parser.add_argument("-h", "--help", action="help", help="Show this text and end.")
    return parser


if __name__ == "__main__":
    sys.exit(main())
