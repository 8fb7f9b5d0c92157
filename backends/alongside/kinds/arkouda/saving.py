"""What a notebook has in an Arkouda server, saved to files and loaded again.

The server writes the files, one for each locale, into a directory that it shares with the
notebook; what is in them, and how the variables are made of it, is in a manifest that is written
last. So files without a manifest are of no use, and a manifest vouches for all of its files.
"""

from __future__ import annotations

import glob
import re
import shutil
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from alongside.errors import AlongsideError, Conflict, InvalidRequest, StorageFailed
from alongside.kinds.arkouda import client as clients
from alongside.kinds.arkouda.facts import alike, bytes_of, size_of, sum_of
from alongside.kinds.arkouda.files import Written, check_again, read_manifest, write, write_manifest
from alongside.kinds.arkouda.objects import Found, find, put_back
from alongside.kinds.arkouda.ownership import strangers
from alongside.kinds.arkouda.parts import is_whole, recipe, recipe_of
from alongside.kinds.base import Tell
from alongside.models import now
from alongside.units import format_memory
from alongside.versions import plain

FORMAT = 1
_SPARE = 64 * 2**20  # bytes that a disk should have left


@dataclass(frozen=True)
class Leaf:
    """An object that the client writes as a whole. `path` is what people call it."""

    path: str
    value: Any
    entry: dict[str, Any]


def snapshot(namespace: MutableMapping[str, Any], directory: Path, tell: Tell) -> tuple[str, ...]:
    """Save the objects that these variables have in the server; the names of the variables.

    directory : absent or empty; server and notebook both see it under this path
    Raises AlongsideError when something can't be saved. The server keeps everything then as
    always, and no file is left.
    """
    client = _connected()
    found = find(namespace)
    if found.elsewhere:
        raise Conflict(
            f"{found.elsewhere[0]} can't be saved: it is not in a variable, list or dict of the "
            "notebook.",
            f"Give it a variable of its own ({_simple(found.elsewhere[0])} = "
            f"{found.elsewhere[0]}), or delete it.",
        )
    if not found.shapes:
        return ()
    directory = _usable(directory, client)
    made = not directory.exists()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _save(client, found, directory, tell)
    except BaseException as error:
        _clear(directory, made)
        if isinstance(error, OSError):
            raise StorageFailed(
                f"{directory} can't be written ({error.strerror or error}).",
                "Choose another directory; server and notebook must both see it.",
            ) from None
        raise
    return tuple(found.shapes)


def _connected() -> Any:
    client = clients.load()
    clients.ready(client)
    return client


def _usable(directory: Path, client: Any) -> Path:
    directory = directory.absolute()
    if glob.escape(str(directory)) != str(directory) or (
        not hasattr(client, "snapshot") and re.search(r"[\s|]", str(directory))
    ):
        raise InvalidRequest(
            f"Arkouda can't write to {directory}: its name has characters that it takes for "
            "something else.",
            "Choose a directory without spaces, brackets, stars and question marks.",
            "directory",
        )
    if directory.exists() and any(directory.iterdir()):
        raise Conflict(f"{directory} is not empty.", "Choose another directory.")
    return directory


def _clear(directory: Path, made: bool) -> None:
    if made:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for path in directory.iterdir() if directory.is_dir() else ():
        if path.is_file():
            path.unlink(missing_ok=True)


def _save(client: Any, found: Found, directory: Path, tell: Tell) -> None:
    entries = {}
    leaves: list[Leaf] = []
    for key, value in found.objects.items():
        entries[key] = _plan(client, key, value, leaves)
    leaves.sort(key=lambda leaf: leaf.entry["bytes"])  # what can go wrong shows early
    needed = sum(leaf.entry["bytes"] for leaf in leaves)
    free = shutil.disk_usage(directory).free
    if needed + _SPARE > free:
        raise StorageFailed(
            f"There is not enough space: {format_memory(needed)} are needed, and "
            f"{format_memory(free)} are free where {directory} is.",
            "Delete what you no longer need there, or choose a directory on another disk.",
        )
    locales = int(client.get_config().get("numLocales", 1))
    for number, leaf in enumerate(leaves):
        tell(f"Saving {leaf.path}", number, len(leaves))
        written = _guarded(leaf.path, partial(_write, client, leaf, number, directory, locales))
        leaf.entry.update(file=written.name, how=written.how, files=written.files)
    write_manifest(
        directory,
        {
            "format": FORMAT,
            "kind": "arkouda",
            "created": now().isoformat(),
            "client": plain(str(client.__version__)),
            "server": plain(str(client.get_config().get("arkoudaVersion", ""))),
            "locales": locales,
            "variables": found.shapes,
            "objects": entries,
        },
    )
    others = strangers(client)
    known = f"; {others} more arrays in it are of no variable here and will be lost"
    tell(f"Saved and verified{known if others else ''}", len(leaves), len(leaves))


def _plan(client: Any, path: str, value: Any, leaves: list[Leaf]) -> dict[str, Any]:
    """What the manifest says of one object; what is to be written of it goes to `leaves`."""
    kind = type(value).__name__
    entry: dict[str, Any] = {"class": kind}
    registered = getattr(value, "registered_name", None)
    if isinstance(registered, str) and registered:
        entry["registered"] = registered
    if is_whole(client, value):
        entry |= {"dtype": str(getattr(value, "dtype", "")), "size": size_of(value)}
        entry["bytes"] = bytes_of(value)
        leaves.append(Leaf(path, value, entry))
        return entry
    how = recipe_of(value)
    if how is None:
        raise Conflict(
            f"{path} can't be saved: nothing is known of objects of the class {kind}.",
            "Keep what matters of it as an array in a variable of its own, and delete it.",
        )

    def taken() -> tuple[dict[str, Any], dict[str, Any]]:
        return how.take(value), how.about(value)

    parts, entry["about"] = _guarded(path, taken)
    entry["parts"] = {
        name: _plan(client, f"{path}_{name}", part, leaves) for name, part in parts.items()
    }
    return entry


def _write(client: Any, leaf: Leaf, number: int, directory: Path, locales: int) -> Written:
    if (total := sum_of(leaf.value)) is not None:
        leaf.entry["sum"] = total
    plain_path = re.sub(r"\W+", "_", leaf.path, flags=re.ASCII)[:60]
    name = f"{number:04}_{plain_path}"
    return write(client, leaf.path, leaf.value, directory / name, locales, leaf.entry["bytes"])


def restore(namespace: MutableMapping[str, Any], directory: Path, tell: Tell) -> tuple[str, ...]:
    """Load what `snapshot` saved and give the variables their objects again; their names.

    Everything is loaded, and compared with what it was, before a variable changes. Raises
    AlongsideError; the files stay in any case.
    """
    client = _connected()
    directory = directory.absolute()
    manifest = read_manifest(directory, FORMAT)
    entries: Mapping[str, Any] = manifest["objects"]
    leaves = [leaf for entry in entries.values() for leaf in _leaves(entry)]
    check_again(directory, leaves)
    done = iter(range(len(leaves)))

    def make(path: str, entry: Mapping[str, Any]) -> Any:
        if "parts" in entry:
            parts = {name: make(f"{path}_{name}", part) for name, part in entry["parts"].items()}
            return recipe(entry["class"]).make(client, parts, entry["about"])
        tell(f"Loading {path}", next(done), len(leaves))
        value = _load(client, directory, entry)
        _compare(path, entry, value)
        return value

    objects = {
        key: _guarded(key, partial(make, key, entry), "loaded") for key, entry in entries.items()
    }
    for key, entry in entries.items():
        if again := entry.get("registered"):
            _guarded(key, partial(objects[key].register, again), "registered")
    put_back(namespace, manifest["variables"], objects)
    tell("Loaded", len(leaves), len(leaves))
    return tuple(manifest["variables"])


def _leaves(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "files" in entry:
        yield entry
    for part in entry.get("parts", {}).values():
        yield from _leaves(part)


def _load(client: Any, directory: Path, entry: Mapping[str, Any]) -> Any:
    prefix, how = str(directory / entry["file"]), entry["how"]
    if how["call"] == "snapshot" and hasattr(client, "restore"):
        found = client.restore(prefix)
    else:
        found = client.load(prefix + how["suffix"], dataset=how["dataset"])
    if isinstance(found, Mapping) and type(found).__name__ != entry["class"]:
        return found[how["dataset"]] if how["dataset"] in found else next(iter(found.values()))
    return found


def _compare(path: str, entry: Mapping[str, Any], value: Any) -> None:
    """That what was loaded is what was saved."""
    seen = (type(value).__name__, str(getattr(value, "dtype", "")), size_of(value))
    if seen != (entry["class"], entry["dtype"], entry["size"]):
        raise _changed(path, f"{entry['class']} of {entry['size']}", f"{seen[0]} of {seen[2]}")
    if "sum" in entry and not alike(sum_of(value), entry["sum"]):
        raise _changed(path, f"a sum of {entry['sum']}", f"{sum_of(value)}")


def _changed(path: str, saved: str, loaded: str) -> StorageFailed:
    return StorageFailed(
        f"{path} is not what was saved: {saved}, now {loaded}.",
        "Load it by hand from the files, and compare it with where it came from.",
    )


def _simple(path: str) -> str:
    return re.sub(r"\W+", "_", path).strip("_")


def _guarded(path: str, work: Any, word: str = "saved") -> Any:
    """Do it; what the client complains of becomes a sentence that names the object."""
    try:
        return work()
    except AlongsideError:
        raise
    except ConnectionError as error:
        raise StorageFailed(
            f"{path} could not be {word}: {_text(error)}", "Look at the card of the group."
        ) from None
    except Exception as error:
        text = _text(error)
        remedy = f"Try it by hand with {path}; delete the variable if it is not needed."
        if "lookup" in text or "undefined" in text:
            remedy = "It is of a server that has gone: delete the variable, or load it anew."
        elif word == "saved":
            remedy = (
                "Make sure that there is space, and that the group may write to the directory; or "
                "choose another one that both see."
            )
        raise StorageFailed(f"{path} could not be {word}: {text}.", remedy) from None


def _text(error: Exception) -> str:
    """What is wrong, in short and without a credential."""
    text = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
    return "the server doesn't accept the token" if "token" in text.lower() else text
