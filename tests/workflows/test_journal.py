"""A journal keeps what was written, whatever happens to the last line."""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alongside.errors import StorageFailed
from alongside_workflows.journal import Begun, Ended, Event, Intended, Journal
from alongside_workflows.runs import State

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENTS: list[Event] = [
    Begun(time=MOMENT),
    Intended(time=MOMENT, step="a", attempt=1, nonce="n"),
    Ended(time=MOMENT, step="a", attempt=1, state=State.SUCCEEDED, results={"ü": [1, None, "\n"]}),
]


def written(path: Path, *events: Event) -> bytes:
    """A journal with these events."""
    journal = Journal(path)
    journal.append(*events)
    journal.close()
    return path.read_bytes()


def read(path: Path) -> list[Event]:
    """What a new reader finds."""
    journal = Journal(path)
    try:
        return journal.read()
    finally:
        journal.close()


def test_it_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path, *EVENTS)
    assert read(path) == EVENTS
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.shows("K60")
def test_a_torn_last_line_is_dropped_wherever_it_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole = written(path, *EVENTS)
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        journal = Journal(path)
        assert journal.read() == EVENTS[:2]
        journal.append(EVENTS[2])
        journal.close()
        assert path.read_bytes() == whole


def test_zeros_after_a_power_cut_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole = written(path, *EVENTS)
    path.write_bytes(whole + b"\0" * 100)
    assert read(path) == EVENTS
    assert path.read_bytes() == whole


def test_a_spoilt_line_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    first, *others = written(path, *EVENTS).splitlines(keepends=True)
    path.write_bytes(first + b"{}\n" + b"".join(others))
    with pytest.raises(StorageFailed, match="spoilt"):
        read(path)


def test_a_link_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "journal").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageFailed):
        Journal(tmp_path / "journal")


FULL = f"""
import resource, sys
from pathlib import Path
from alongside.errors import StorageFailed
from alongside_workflows.journal import Begun, Journal
journal = Journal(Path(sys.argv[1]))
events = journal.read()
size = Path(sys.argv[1]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, {resource.RLIM_INFINITY}))
try:
    journal.append(*events)
except StorageFailed as error:
    assert error.remedy
    assert Path(sys.argv[1]).stat().st_size == size
resource.setrlimit(resource.RLIMIT_FSIZE, ({resource.RLIM_INFINITY},) * 2)
journal.append(*events)
"""


def test_nothing_of_an_event_stays_that_could_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path, *EVENTS)
    subprocess.run([sys.executable, "-c", FULL, str(path)], check=True, timeout=60)
    assert read(path) == EVENTS * 2
