"""Outputs of cells that don't grow without limit.

A cell that prints for hours, or shows all that it has, goes on; what is more than its share is
left out, and a sentence in the output says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode, v4

LARGEST_CELL = 8 * 2**20
"""Characters that the outputs of one cell have at most."""
LARGEST_NOTEBOOK = 4 * LARGEST_CELL
"""Characters that all outputs have together."""
LARGEST_TRACE = 100_000
"""Characters of a trace; traces are always kept."""

_new_output: Any = v4.new_output  # it has no types
_EACH = 200  # what an output takes besides its content
_PIECES = 1000  # of a text before they are put together
_LINE = 10_000  # characters back to where a line that is overwritten began
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n\r])")


class BoundedClient(NotebookClient):
    """nbclient, with outputs that are bounded; `changed` is called whenever they change."""

    def __init__(self, notebook: NotebookNode, changed: Callable[[], None]) -> None:
        super().__init__(notebook, iopub_timeout=60, on_cell_executed=_executed)
        self._changed_outputs = changed
        self._used: dict[int, int] = {}
        self._told: set[int] = set()
        self._widgets: dict[str, int] = {}

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Add an output to those of a cell, as far as there is room for it."""
        self._changed_outputs()
        kind, content = msg["msg_type"], msg["content"]
        if self.clear_before_next_output:
            self._forget(cell_index)
        if kind == "error":
            content["traceback"] = _shortened(content.get("traceback") or [])
            return super().output(outs, msg, display_id, cell_index)
        size = size_of(content) + _EACH
        room = self._room(cell_index)
        if kind == "stream" and not self._hooked(msg):
            if size > room:
                content["text"] = content["text"][: max(0, room - _EACH)]
            self._stream(outs, msg, cell_index)
        elif size <= room:
            self._count(cell_index, size)
            super().output(outs, msg, display_id, cell_index)
        if size > room:
            self._tell(outs, cell_index)
        return None

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """Clear the outputs of a cell, which gives room."""
        super().clear_output(outs, msg, cell_index)
        self._changed_outputs()
        if not outs:
            self._forget(cell_index)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        size = size_of(msg["content"].get("data")) + _EACH
        for cell_index, places in self._display_id_map.get(display_id, {}).items():
            outputs = self.nb["cells"][cell_index]["outputs"]
            before = sum(size_of(outputs[place]["data"]) + _EACH for place in places)
            growth = size * len(places) - before
            if growth > self._room(cell_index):
                return
            self._count(cell_index, growth)
        self._changed_outputs()
        super()._update_display_id(display_id, msg)

    def handle_comm_msg(
        self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int
    ) -> None:
        """Keep the state of widgets, as far as there is room for it."""
        super().handle_comm_msg(outs, msg, cell_index)
        id = msg["content"].get("comm_id", "")
        if id in self.widget_state:
            buffers = sum(len(b["data"]) for b in self.widget_buffers.get(id, {}).values())
            self._widgets[id] = size_of(self.widget_state[id]) + buffers
            if sum(self._widgets.values()) > LARGEST_CELL:
                self.widget_state.pop(id)
                self.widget_buffers.pop(id, None)
                self._widgets.pop(id)

    def _stream(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        text = msg["content"]["text"]
        if not text:
            return
        last = outs[-1] if outs and not self.clear_before_next_output else None
        if last is None or last.output_type != "stream" or last.name != msg["content"]["name"]:
            super().output(outs, msg, None, cell_index)
            outs[-1]["text"] = []
            self._count(cell_index, _EACH)
        elif isinstance(last["text"], str):
            last["text"] = [last["text"]]
        self._count(cell_index, extend(outs[-1]["text"], text))

    def _hooked(self, msg: dict[str, Any]) -> bool:
        return bool(self.output_hook_stack[msg["parent_header"].get("msg_id")])

    def _room(self, cell_index: int) -> int:
        whole = LARGEST_NOTEBOOK - sum(self._used.values())
        return min(whole, LARGEST_CELL - self._used.get(cell_index, 0))

    def _count(self, cell_index: int, size: int) -> None:
        self._used[cell_index] = max(0, self._used.get(cell_index, 0) + size)

    def _forget(self, cell_index: int) -> None:
        self._used.pop(cell_index, None)
        self._told.discard(cell_index)

    def _tell(self, outs: list[NotebookNode], cell_index: int) -> None:
        if cell_index not in self._told:
            self._told.add(cell_index)
            text = (
                "\n[More output of this cell is left out: a cell keeps "
                f"{LARGEST_CELL // 2**20} MiB, a notebook {LARGEST_NOTEBOOK // 2**20} MiB. "
                "Write what is large into a file.]\n"
            )
            outs.append(_new_output("stream", name="stderr", text=[text]))


def extend(pieces: list[str], text: str) -> int:
    """Add a text to the pieces of one; by how much it is longer then.

    A line that begins anew after a carriage return, as progress bars do, replaces itself.
    """
    before = 0
    if "\r" in text or (pieces and pieces[-1].endswith("\r")):
        back: list[str] = []
        while pieces and before < _LINE and "\n" not in pieces[-1]:
            back.append(pieces.pop())
            before += len(back[-1])
        if pieces and before < _LINE:
            head, newline, line = pieces.pop().rpartition("\n")
            pieces.append(head + newline)
            back.append(line)
            before += len(line)
        text = _OVERWRITTEN.sub("", "".join([*reversed(back), text]))
    pieces.append(text)
    if len(pieces) > _PIECES:
        pieces[:] = ["".join(pieces)]
    return len(text) - before


def joined(cell: NotebookNode) -> None:
    """Put the pieces of a cell's outputs together."""
    for output in cell.outputs:
        if output.output_type == "stream" and not isinstance(output["text"], str):
            output["text"] = "".join(output["text"])


def _executed(cell: NotebookNode, **details: Any) -> None:
    joined(cell)


def size_of(value: Any) -> int:
    """About how many characters the JSON of a value has."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(str(key)) + size_of(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(map(size_of, value)) + len(value)
    return len(value) if isinstance(value, bytes | memoryview) else 8


def _shortened(trace: list[str]) -> list[str]:
    """The beginning and the end of a trace, so much as is kept."""
    lines = [str(line) for line in trace]
    if sum(map(len, lines)) <= LARGEST_TRACE:
        return lines
    whole = "\n".join(lines)
    half = LARGEST_TRACE // 2
    return [whole[:half], "[…]", whole[-half:]]
