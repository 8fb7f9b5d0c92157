"""Outputs of cells don't grow without limit, and progress bars replace themselves."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from alongside_workflows.step import bounding
from alongside_workflows.step.bounding import BoundedClient, extend, joined


class Cell:
    """A client with one cell, told messages as a kernel would send them."""

    def __init__(self) -> None:
        self.cell = new_code_cell("1")
        self.changes = 0
        self.client = BoundedClient(new_notebook(cells=[self.cell]), self._changed)
        self.client.clear_before_next_output = False

    def _changed(self) -> None:
        self.changes += 1

    def told(self, kind: str, **content: Any) -> None:
        message = {
            "msg_type": kind,
            "header": {"msg_type": kind},
            "parent_header": {"msg_id": "1"},
            "content": content,
        }
        self.cell.metadata.setdefault("execution", {})
        self.client.process_message(message, self.cell, 0)

    def printed(self, text: str, name: str = "stdout") -> None:
        self.told("stream", name=name, text=text)

    @property
    def outputs(self) -> list[Any]:
        joined(self.cell)
        return list(self.cell.outputs)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounding, "LARGEST_CELL", 5_000)


def test_what_is_printed_in_pieces_is_one_output() -> None:
    cell = Cell()
    for text in ("a", "b\n", "c"):
        cell.printed(text)
    cell.printed("wrong", "stderr")
    cell.printed("d")
    assert [o.text for o in cell.outputs] == ["ab\nc", "wrong", "d"]
    cell.printed("e")  # also when they have been put together in between
    assert cell.outputs[-1].text == "de"
    assert cell.changes == 6


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["10%", "\r20%", "\r30%\n", "next"], "30%\nnext"),
        (["a\n10%\r", "20%\r", "30%"], "a\n30%"),
        (["a\r\n", "b\r\n"], "a\r\nb\r\n"),
        (["one\ntwo", "\rthree"], "one\nthree"),
    ],
)
def test_a_line_that_is_overwritten_is_kept_once(pieces: list[str], shown: str) -> None:
    text: list[str] = []
    length = sum(extend(text, piece) for piece in pieces)
    assert "".join(text) == shown
    assert length == len(shown)


def test_a_progress_bar_that_runs_for_days_stays_small() -> None:
    text: list[str] = []
    for number in range(50_000):
        extend(text, f"\r{number:6}")
    assert "".join(text) == f"\r{49_999:6}"[1:]


def test_many_small_pieces_are_few() -> None:
    text: list[str] = []
    for _ in range(10_000):
        extend(text, "x\n")
    assert len(text) <= 1_001


@pytest.mark.usefixtures("small")
def test_more_than_its_share_is_left_out_and_told_once() -> None:
    cell = Cell()
    for _ in range(100):
        cell.printed("x" * 99 + "\n")
    kept, told = cell.outputs
    assert 4_000 < len(kept.text) < 5_000
    assert "left out" in told.text
    cell.told("display_data", data={"text/plain": "y" * 5_000}, metadata={})
    assert len(cell.outputs) == 2
    cell.told("error", ename="E", evalue="e", traceback=["t"])
    assert cell.outputs[-1].output_type == "error"


@pytest.mark.usefixtures("small")
def test_what_is_cleared_gives_room() -> None:
    cell = Cell()
    for _ in range(10):
        cell.printed("x" * 4_000)
        cell.told("clear_output", wait=False)
        cell.printed("y" * 4_000)
        cell.told("clear_output", wait=True)
    cell.printed("last")
    assert [o.text for o in cell.outputs] == ["last"]


@pytest.mark.usefixtures("small")
def test_a_display_that_is_updated_counts_once() -> None:
    cell = Cell()
    shown: dict[str, Any] = {"metadata": {}, "transient": {"display_id": "d"}}
    cell.told("display_data", data={"text/plain": "first"}, **shown)
    for number in range(100):
        cell.told("update_display_data", data={"text/plain": f"{number}" * 1_000}, **shown)
    assert cell.outputs[0].data["text/plain"] == "99" * 1_000
    cell.told("update_display_data", data={"text/plain": "x" * 9_000}, **shown)
    assert cell.outputs[0].data["text/plain"] == "99" * 1_000


def test_a_trace_is_kept_but_not_all_of_it() -> None:
    cell = Cell()
    cell.told("error", ename="E", evalue="e", traceback=["begin" + "x" * 10**6 + "end"])
    trace = "\n".join(cell.outputs[0].traceback)
    assert len(trace) < 101_000
    assert trace.startswith("begin")
    assert trace.endswith("end")


@pytest.mark.usefixtures("small")
def test_widgets_that_are_too_large_are_left_out() -> None:
    cell = Cell()
    cell.told("comm_open", comm_id="a", target_name="other", data={"state": {"value": "x"}})
    cell.told("comm_msg", comm_id="b", data={"state": {"value": "x" * 6_000}})
    assert set(cell.client.widget_state) == {"a"}
