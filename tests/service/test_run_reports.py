"""Executed notebooks as pages, made by the real nbconvert."""

from __future__ import annotations

import json
from typing import Any

import httpx
import nbformat.v4 as v4
import pytest

from alongside_service import run_report
from alongside_workflows.runs import State
from alongside_workflows.task import OUTPUT
from tests.service.conftest import Running

WORKFLOW: dict[str, Any] = {"name": "w", "steps": [{"name": "a", "notebook": "a.ipynb"}]}


async def executed(run: Running, notebook: Any) -> str:
    """The path of the report of a run whose step has executed this."""
    answer = await run.user("ada").post("runs", json={"workflow": WORKFLOW})
    id: str = answer.json()["id"]
    run.executor.step(id, "a", State.RUNNING)
    run.executor.files[id, "a", 1, OUTPUT] = json.dumps(notebook).encode()
    await run.settled(lambda: bool(run.service.runs.get(id).status.step("a").attempts))
    return f"runs/{id}/steps/a/report"


def with_output(html: str) -> Any:
    shown = v4.new_output("display_data", data={"text/html": html})
    cell = v4.new_code_cell("show(<this>)", outputs=[shown], execution_count=1)
    return v4.new_notebook(cells=[v4.new_markdown_cell("# Größe"), cell])


@pytest.mark.shows("T113")
async def test_a_report_is_a_page_that_can_do_nothing(run: Running) -> None:
    path = await executed(run, with_output("<b>42</b><script>alert(1)</script>"))
    page = await run.user("ada").get(path, params={"attempt": 1})
    assert page.status_code == 200, page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    rules = [rule.strip() for rule in page.headers["content-security-policy"].split(";")]
    assert "sandbox" in rules  # no scripts, no forms, no origin
    assert "default-src 'none'" in rules
    assert page.headers["x-content-type-options"] == "nosniff"
    for part in ("<b>42</b>", "Größe", "show", "&lt;", "<title>w: a, attempt 1</title>"):
        assert part in page.text, part


async def test_it_is_for_those_who_may_see_the_run(run: Running) -> None:
    path = await executed(run, with_output("<b>42</b>"))
    assert (await run.user("bob").get(path)).status_code == 404
    assert (await run.client(None).get(path)).status_code == 401
    assert (await run.user("ada").get(path, params={"attempt": 2})).status_code == 404


async def test_what_can_be_no_page_is_said(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(answer: httpx.Response) -> tuple[int, str]:
        assert answer.json()["remedy"]
        return answer.status_code, answer.json()["detail"]

    ada = run.user("ada")
    path = await executed(run, {"cells": 7})
    assert told(await ada.get(path)) == (409, "No report can be made of this notebook.")
    monkeypatch.setattr(run_report, "LARGEST", 5)
    status, detail = told(await ada.get(path))
    assert (status, "MiB" in detail) == (409, True)
    monkeypatch.setattr(run_report, "LARGEST", 10**6)
    monkeypatch.setattr(run_report, "WITHIN", 0.01)
    status, detail = told(await ada.get(path))
    assert (status, "not made within" in detail) == (503, True)
