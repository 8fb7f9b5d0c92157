"""How a run shows itself in a notebook: a card as static HTML."""

from __future__ import annotations

from html import escape

from alongside.units import format_duration
from alongside_workflows.runs import Run, State, StepRun

_MOST = 50
"""Steps that are shown; nobody reads more of them in an output."""
_DOTS = {
    State.SUCCEEDED: ("&#10003;", "#1a7f37"),
    State.FAILED: ("&#10005;", "#b42318"),
    State.CANCELLED: ("&#8211;", "#6e7781"),
    State.RUNNING: ("&#9679;", "#0969da"),
    State.PAUSING: ("&#9679;", "#9a6700"),
    State.WAITING: ("&#9675;", "#6e7781"),
}


def card(run: Run) -> str:
    """A run: name, state, what is to be said, and a row for each step. All text is escaped."""
    said = " ".join(text for text in (run.message, run.remedy) if text)
    shown = sorted(run.steps, key=_interest)[:_MOST] if len(run.steps) > _MOST else run.steps
    rows = "".join(map(_row, shown))
    more = len(run.steps) - len(shown)
    return (
        '<div style="border:1px solid #8884;border-radius:6px;padding:.6em 1em;max-width:48em">'
        f"<div>{_dot(run.state)} <strong>{escape(run.name)}</strong> {escape(run.state)}"
        f' <code style="opacity:.7">{escape(run.id)}</code></div>'
        + (f"<p>{escape(said)}</p>" if said else "")
        + f"<table><tr>{_cells('th', 'Step', 'State', 'Cells', 'Attempts', 'Time', '')}</tr>"
        + f"{rows}</table>"
        + (f"<p>and {more} more steps</p>" if more else "")
        + "</div>"
    )


def duration(step: StepRun) -> str:
    """How long it has taken from its first attempt on; '' while it has not ended."""
    if step.started is None or step.ended is None:
        return ""
    return format_duration(step.ended - step.started)


def cells(step: StepRun) -> str:
    """``3/12``: where in the notebook it is."""
    return f"{step.cell or 0}/{step.cells}" if step.cells else ""


def _row(step: StepRun) -> str:
    said = " ".join(text for text in (step.message, step.remedy) if text)
    words = (step.state, cells(step), str(len(step.attempts) or ""), duration(step), said)
    name = f'<td style="text-align:left">{_dot(step.state)} {escape(step.name)}</td>'
    return f"<tr>{name}{_cells('td', *words)}</tr>"


def _cells(tag: str, *texts: str) -> str:
    return "".join(f'<{tag} style="text-align:left">{escape(text)}</{tag}>' for text in texts)


def _dot(state: State) -> str:
    dot, colour = _DOTS[state]
    return f'<span style="color:{colour}" aria-hidden="true">{dot}</span>'


def _interest(step: StepRun) -> int:
    """What one looks for first."""
    order = (State.FAILED, State.RUNNING, State.PAUSING, State.CANCELLED, State.WAITING)
    return order.index(step.state) if step.state in order else len(order)
