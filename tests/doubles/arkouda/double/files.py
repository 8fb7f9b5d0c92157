"""Arrays in files: one file per locale and name, written by the locales themselves."""

from __future__ import annotations

import glob
import json
import os

from .messages import Refused
from .symbols import SIZES, Symbols


def path_of(prefix: str, number: int) -> str:
    """The file of one locale: ``a.h5`` becomes ``a_LOCALE0000.h5``."""
    root, extension = os.path.splitext(prefix)
    return f"{root}_LOCALE{number:04}{extension}"


def save(symbols: Symbols, prefix: str, form: str, mode: str, columns: str) -> str:
    """Write arrays; `columns` is a JSON object: dataset to the name of an array."""
    wanted: dict[str, str] = json.loads(columns)
    for name in wanted.values():
        symbols.get(name)
    folder = os.path.dirname(prefix)
    if folder and not os.path.isdir(folder):
        raise Refused(f"Error: directory {folder} does not exist (in open with path {prefix})")
    try:
        symbols.group.each(
            "save",
            [(path_of(prefix, number), form, wanted, mode) for number in range(len(symbols.group))],
        )
    except (OSError, ValueError) as error:
        raise Refused(f"Error: {error}") from error
    return "wrote array to file"


def describe(symbols: Symbols, form: str, files: str) -> str:
    """The datasets of a list of files as JSON: name to type and the size in each file."""
    found: dict[str, dict[str, object]] = {}
    for path in listed(files):
        try:
            inside = symbols.group.own.describe(path, form)
        except (OSError, ValueError) as error:
            raise Refused(f"Error: {error}") from error
        for name, (dtype, size) in inside.items():
            entry = found.setdefault(name, {"dtype": dtype, "sizes": []})
            sizes = entry["sizes"]
            assert isinstance(sizes, list)
            sizes.append(size)
    return json.dumps(found)


def listed(files: str) -> list[str]:
    """The paths in a JSON list; a pattern is looked up here, where the server runs."""
    words: list[str] = json.loads(files)
    found = [path for word in words for path in (sorted(glob.glob(word)) or [word])]
    if not found:
        raise Refused("Error: no files were named")
    return found


def load(symbols: Symbols, form: str, dataset: str, files: str) -> str:
    """Read one dataset from all of `files` into a new array."""
    paths = listed(files)
    known = json.loads(describe(symbols, form, files))
    if dataset not in known or len(known[dataset]["sizes"]) != len(paths):
        raise Refused(f"Error: the dataset {dataset} is not in each of the files")
    sizes: list[int] = known[dataset]["sizes"]
    dtype = known[dataset]["dtype"]
    if dtype not in SIZES:
        raise Refused(f"Error: detected unhandled datatype {dtype}")
    symbol = symbols.new(dtype, sum(sizes))
    try:
        symbols.group.each(
            "load",
            [
                (symbol.name, dataset, form, parts(paths, sizes, low, high))
                for low, high in symbols.group.bounds(symbol.size)
            ],
        )
    except (OSError, ValueError) as error:
        raise Refused(f"Error: {error}") from error
    return symbols.keep(symbol)


def parts(paths: list[str], sizes: list[int], low: int, high: int) -> list[tuple[str, int, int]]:
    """Which stretch of which file has the values from `low` to `high`."""
    found = []
    start = 0
    for path, size in zip(paths, sizes, strict=True):
        begin, end = max(low - start, 0), min(high - start, size)
        if begin < end:
            found.append((path, begin, end))
        start += size
    return found or [(paths[0], 0, 0)]
