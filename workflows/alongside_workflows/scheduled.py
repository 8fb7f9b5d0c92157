"""Workflows and notebooks that are submitted by the clock instead of now.

>>> from alongside_workflows import schedule  # doctest: +SKIP
>>> tonight = {"at": "22:00", "zone": "Europe/Berlin"}  # doctest: +SKIP
>>> schedule("plot.ipynb", {"n": 10}, times=tonight, backend="dask")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from pydantic import JsonValue

from alongside import scheduling
from alongside.asking import Asker
from alongside.client import Client
from alongside.schedule_requests import NewSchedule
from alongside.schedules import Schedule
from alongside_workflows.client import Said, What, new_run


def schedule(
    what: What,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    times: Mapping[str, Any],
    service: Client | None = None,
    **said: Unpack[Said],
) -> Schedule:
    """Have it submitted at certain times, whether you are logged in then or not.

    - `what`, `parameters`, `said`: as for `submit`, but that it belongs to no session; the
      schedule and its runs are called `name`, or as the workflow or the notebook
    - `times`: as for `alongside.Client.schedule`: a `zone`, and `at` for once, else `days` and
      `from_`, or `start`; `overlap` says what happens while the last run still goes on

    A notebook is read when its step begins, unless it travels along (`with_notebooks`). Raises
    InvalidRequest with all that is wrong, and Conflict when there is a schedule of that name.
    """
    if service is None:
        from alongside.session import service as own

        service = own()
    return service.run(scheduling.make(wish(service, what, parameters, times, said)))


def wish(
    service: Asker,
    what: What,
    parameters: Mapping[str, JsonValue] | None,
    times: Mapping[str, Any],
    said: Said,
) -> NewSchedule:
    """What is sent to have it submitted. Asks no service."""
    new = new_run(service, what, parameters, {**said, "session": None})
    submit = new.model_dump(mode="json", exclude_unset=True)
    return scheduling.wish(new.workflow.name, None, {**times, "submit": submit})
