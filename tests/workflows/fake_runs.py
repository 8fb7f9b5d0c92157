"""A small service that answers about runs as the real one does; nothing runs behind it.

Each look at a run takes it one status further along its course.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from alongside.errors import Conflict, NotFound
from alongside.models import now
from alongside.names import backend_id
from alongside.requests import Requester, parse
from alongside.schedules import Schedule
from alongside_service.schedule_bodies import NewSchedule
from alongside_service.schedules import make
from alongside_workflows.model import Workflow
from alongside_workflows.runs import (
    Attempt,
    NewRun,
    Run,
    RunSpec,
    RunStatus,
    State,
    StepRun,
    fresh,
)
from tests.client.fake_service import FakeService

NOTEBOOK = {
    "cells": [],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


class FakeRuns(FakeService):
    """State and routes. What is submitted succeeds, unless `failing` names a step of it."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, RunSpec] = {}
        self.courses: dict[str, list[RunStatus]] = {}
        self.failing = ""
        self.owner = "ada"
        """Of what is submitted from now on."""
        self.endless = False
        """Whether runs go on until they are cancelled."""
        self.streams = 0
        """How often somebody has begun to follow the events."""
        self.cut = 0
        """How many streams of events are to break."""

    async def _answer(self, request: Request, path: list[str]) -> Response:
        match request.method, path:
            case "POST", ["workflows", "check"]:
                flow = parse(Workflow, await request.json())
                return JSONResponse(flow.model_dump(mode="json"))
            case "GET", ["events"]:
                self.streams += 1
                return StreamingResponse(self._changes(), media_type="text/event-stream")
            case "GET", ["runs"]:
                return JSONResponse([self.run(id, definition=False) for id in self.runs])
            case "POST", ["runs"]:
                return self._submit(request, await request.json())
            case "POST", ["schedules"]:
                wanted = parse(NewSchedule, await request.json())
                made = make(wanted, Requester("ada"), now(), request.headers["idempotency-key"])
                shown = Schedule.of(made, now(), live=False)
                return JSONResponse(shown.model_dump(mode="json"), 201)
            case method, ["runs", id, *rest]:
                if id not in self.runs:
                    raise NotFound("There is no such run.")
                return self._of_run(method, id, rest, request)
        return await super()._answer(request, path)

    def run(self, id: str, *, definition: bool = True) -> Any:
        """A run as it is; the next one sees the next status."""
        course = self.courses[id]
        run = Run.of(self.runs[id], course[0], definition=definition)
        if len(course) > 1 and definition:
            del course[0]
        return run.model_dump(mode="json")

    async def _changes(self) -> AsyncIterator[str]:
        """What happens, as the real one tells it; the next status is there in a moment."""
        told = {id: self.run(id, definition=False) for id in self.runs}
        yield _event("snapshot", {"backends": [], "runs": [*told.values()]})
        while not self.cut:
            for id in list(self.runs):
                if len(self.courses[id]) > 1:
                    del self.courses[id][0]
                now = self.run(id, definition=False)
                if now != told.get(id):
                    told[id] = now
                    yield _event("run", now)
            for id in told.keys() - self.runs.keys():
                del told[id]
                yield _event("run-removed", {"id": id})
            await asyncio.sleep(0.01)
        self.cut -= 1

    def _submit(self, request: Request, body: Any) -> Response:
        self.bodies.append(body)
        new = parse(NewRun, body)
        key = request.headers["idempotency-key"]
        if key not in self.keys:
            id = backend_id("ada", None, new.workflow.name, str(len(self.runs)))
            self.keys[key] = id
            self.runs[id] = RunSpec(
                id=id,
                owner=self.owner,
                workflow=new.workflow,
                executor=new.executor or "local",
                session=new.session,
                created=now() + timedelta(microseconds=len(self.runs)),
            )
            self.courses[id] = [fresh(self.runs[id]), *self._course(new.workflow)]
        return JSONResponse(self.run(self.keys[key]), 202)

    def _course(self, flow: Workflow) -> list[RunStatus]:
        steps = {step.name: StepRun(name=step.name) for step in flow.steps}
        course = []
        for name in flow.graph.order():
            begun = Attempt(number=1, state=State.RUNNING, started=now())
            steps[name] = StepRun(
                name=name, state=State.RUNNING, cell=1, cells=2, attempts=(begun,)
            )
            course.append(
                RunStatus(state=State.RUNNING, started=now(), steps=tuple(steps.values()))
            )
            state = State.FAILED if name == self.failing else State.SUCCEEDED
            message = "Cell 2 raised ValueError: <b>no</b> data." if state is State.FAILED else ""
            remedy = "Correct the cell, then resume the run." if message else ""
            ended = begun.model_copy(update={"state": state, "ended": now(), "message": message})
            steps[name] = StepRun(
                name=name,
                state=state,
                message=message,
                remedy=remedy,
                results={"n": 10} if state is State.SUCCEEDED else {},
                attempts=(ended,),
            )
            if state is State.FAILED:
                break
        if not self.endless:
            state = State.FAILED if self.failing else State.SUCCEEDED
            course.append(
                RunStatus(state=state, started=now(), ended=now(), steps=tuple(steps.values()))
            )
        return course

    def _of_run(self, method: str, id: str, rest: list[str], request: Request) -> Response:
        self.asked = dict(request.query_params)
        match method, rest:
            case "GET", []:
                return JSONResponse(self.run(id))
            case "DELETE", []:
                del self.runs[id]
                return Response(status_code=204)
            case "POST", ["cancel"]:
                last = self.courses[id][-1]
                self.courses[id] = [last.model_copy(update={"state": State.CANCELLED})]
                return JSONResponse(self.run(id), 202)
            case "POST", ["resume"]:
                if self.courses[id][-1].state is State.SUCCEEDED:
                    raise Conflict("The run has succeeded.", "Submit the workflow again.")
                self.failing, self.endless = "", False
                self.courses[id] = self._course(self.runs[id].workflow)
                return JSONResponse(self.run(id), 202)
            case "GET", ["steps", name, "log"]:
                return Response(f"{name} says hello\n", media_type="text/plain")
            case "GET", ["steps", name, "notebook"]:
                noted = NOTEBOOK | {"metadata": {"step": name}}
                return Response(json.dumps(noted), media_type="application/x-ipynb+json")
            case "GET", ["steps", name, "report"]:
                return Response(f"<p>{name}</p>", media_type="text/html")
            case "GET", ["record"]:
                return JSONResponse({"@graph": []}, media_type="application/ld+json")
        raise NotFound("There is nothing at this address.")


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
