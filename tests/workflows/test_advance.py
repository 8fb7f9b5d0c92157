"""What a run does next, told by its events alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alongside_workflows.advance import Decision, decide
from alongside_workflows.course import Course
from alongside_workflows.journal import (
    Begun,
    Cancelling,
    Ended,
    Event,
    Finished,
    Intended,
    Resumed,
    Taken,
)
from alongside_workflows.model import Step, Workflow
from alongside_workflows.runs import State

START = datetime(2026, 1, 2, tzinfo=UTC)


def step(name: str, *after: str, **more: Any) -> Step:
    """A step after others."""
    return Step(name=name, command=("true",), after=after, **more)


def workflow(*steps: Step, **more: Any) -> Workflow:
    """A workflow of these."""
    return Workflow(name="w", steps=steps, **more)


class Play:
    """A run without processes: what is decided is done at once, in a time of its own."""

    def __init__(self, flow: Workflow) -> None:
        self.flow = flow
        self.now = START
        self.events: list[Event] = []
        self.course = Course(flow)
        self.note(Begun(time=self.now))

    def note(self, *events: Event) -> None:
        for event in events:
            self.events.append(event)
            self.course.apply(event)

    def decide(self, **more: Any) -> Decision:
        """Decide, and begin or end what that says."""
        decision = decide(self.course, self.now, **more)
        for name in decision.start:
            number = self.course.next_attempt(name)
            self.note(Intended(time=self.now, step=name, attempt=number, nonce="n"))
        if decision.cancel:
            self.note(Cancelling(time=self.now, message=decision.cancel))
        if decision.finish:
            self.note(decision.finish)
        return decision

    def end(self, name: str, state: State = State.SUCCEEDED, **more: Any) -> None:
        number = self.course.open[name].number
        self.note(Ended(time=self.now, step=name, attempt=number, state=state, **more))

    def state(self, name: str) -> State:
        return self.course.runs[name].state


DIAMOND = workflow(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))


@pytest.mark.shows("K64")
def test_a_diamond() -> None:
    play = Play(DIAMOND)
    assert play.decide().start == ("a",)
    assert play.decide().start == ()
    play.end("a")
    assert play.decide().start == ("b", "c")
    play.end("c")
    assert play.decide().start == ()
    play.end("b")
    assert play.decide().start == ("d",)
    play.end("d")
    finish = play.decide().finish
    assert finish is not None
    assert finish.state is State.SUCCEEDED
    assert play.decide() == Decision()
    assert Course(DIAMOND, play.events).status({}) == play.course.status({})


def test_no_more_than_allowed_at_the_same_time() -> None:
    play = Play(workflow(*(step(f"s{i}") for i in range(5)), parallel=2))
    assert play.decide().start == ("s0", "s1")
    assert play.decide(busy={"s2"}).start == ()
    play.end("s1")
    assert play.decide(busy={"s2"}).start == ()
    assert play.decide().start == ("s2",)


@pytest.mark.shows("T53")
def test_so_many_begin_in_a_minute() -> None:
    throttle = {"starts": 3, "per": "60 s"}
    play = Play(workflow(*(step(f"s{i}") for i in range(9)), parallel=100, throttle=throttle))
    assert play.decide().start == ("s0", "s1", "s2")
    play.end("s0", State.FAILED, message="No luck.")
    play.now += timedelta(seconds=59)
    assert play.decide() == Decision(wake=START + timedelta(seconds=60))
    told = play.course.status({}).step("s3").message
    assert told == "No more than 3 begin in 1 min: it begins at 00:01:00 UTC or later."
    assert play.course.status({}).step("s8").message == ""
    play.now += timedelta(seconds=1)
    assert play.decide(busy={"s3", "s4"}).start == ("s5",)
    assert play.decide(busy={"s3", "s4"}) == Decision(wake=play.now + timedelta(seconds=60))
    assert play.decide().start == ("s3", "s4")
    play.now -= timedelta(days=1)  # a clock that was set back keeps nothing waiting
    assert play.decide().start == ("s6", "s7", "s8")


@pytest.mark.shows("K76")
def test_other_branches_go_on_to_their_end() -> None:
    play = Play(workflow(step("a"), step("b", "a"), step("c", "b"), step("x"), step("y", "x")))
    assert play.decide().start == ("a", "x")
    play.end("a", State.FAILED, message="Cell 3 has failed.")
    assert play.decide().finish is None
    assert play.state("b") is play.state("c") is State.WAITING
    assert play.course.runs["c"].message == "Not begun: step 'a' has failed."
    play.end("x")
    assert play.decide().start == ("y",)
    play.end("y")
    finish = play.decide().finish
    assert finish is not None
    assert finish.state is State.FAILED
    assert finish.message == "Step 'a' has failed: Cell 3 has failed."
    assert finish.remedy


@pytest.mark.shows("T120")
def test_a_step_is_tried_again_after_growing_pauses() -> None:
    retry = {"times": 2, "pause": "10 s", "factor": 3}
    play = Play(workflow(step("a", retry=retry), step("b", "a")))
    play.decide()
    play.end("a", State.FAILED, message="No luck.")
    assert play.state("a") is State.PAUSING
    assert "Attempt 2 follows" in play.course.runs["a"].message
    decision = play.decide()
    assert decision.start == ()
    assert decision.wake == START + timedelta(seconds=10)
    play.now += timedelta(seconds=10)
    assert play.decide().start == ("a",)
    play.end("a", State.FAILED, message="No luck.")
    assert play.decide().wake == play.now + timedelta(seconds=30)
    play.now += timedelta(seconds=30)
    assert play.decide().start == ("a",)
    play.end("a", State.FAILED, message="No luck.")
    finish = play.decide().finish
    assert finish is not None
    assert finish.state is State.FAILED
    assert [attempt.number for attempt in play.course.runs["a"].attempts] == [1, 2, 3]


def test_cancelled_while_it_runs_and_while_it_pauses() -> None:
    play = Play(workflow(step("a"), step("b", retry={"times": 1}), step("c", "a")))
    play.decide()
    play.end("b", State.FAILED)
    assert play.decide(asked=True).cancel
    assert play.state("b") is State.CANCELLED
    assert play.decide(asked=True) == Decision()
    play.end("a", State.CANCELLED)
    finish = play.decide(asked=True).finish
    assert finish is not None
    assert finish.state is State.CANCELLED
    assert play.state("c") is State.WAITING
    assert "cancelled" in play.course.runs["c"].message


def test_what_is_done_when_it_is_cancelled_is_done() -> None:
    play = Play(workflow(step("a")))
    play.decide()
    play.end("a")
    finish = play.decide(asked=True).finish
    assert finish is not None
    assert finish.state is State.SUCCEEDED


def test_a_run_that_takes_too_long_is_cancelled() -> None:
    play = Play(workflow(step("a"), timeout="1 h"))
    assert play.decide().wake == START + timedelta(hours=1)
    play.now += timedelta(hours=1)
    assert play.decide().cancel == "It took longer than 1 h."


@pytest.mark.shows("K58")
def test_resumed_it_repeats_only_what_has_not_succeeded() -> None:
    play = Play(workflow(step("a"), step("b", "a"), step("c", "b"), timeout="1 h"))
    play.decide()
    play.end("a", results={"n": 1})
    play.decide()
    play.end("b", State.FAILED)
    assert play.decide().finish
    play.now += timedelta(days=1)
    play.note(Resumed(time=play.now))
    assert play.course.runs["c"].message == ""
    decision = play.decide()
    assert decision.start == ("b",)
    assert decision.cancel == ""
    assert play.course.open["b"].number == 2
    play.end("b")
    play.decide()
    play.end("c")
    assert play.decide().finish
    assert play.course.state is State.SUCCEEDED
    assert len(play.course.runs["a"].attempts) == 1


def test_results_and_values_of_the_workflow_flow_on() -> None:
    flow = workflow(
        step("a", results=("n", "m")),
        Step(
            name="b",
            command=("echo", "{own}", "{k}"),
            parameters={"own": 1},
            takes={"k": "a.n"},
        ),
        parameters={"own": 0, "shared": "x"},
    )
    play = Play(flow)
    play.decide()
    play.end("a", results={"n": [1, {"deep": None}], "m": 2})
    assert play.course.values("b") == {"own": 1, "shared": "x", "k": [1, {"deep": None}]}
    assert play.course.optional("b") == ("shared",)


def test_a_skipped_step_counts_as_done() -> None:
    play = Play(DIAMOND)
    play.note(Taken(time=START, step="a", run="other", digest="d", results={"n": 1}))
    assert play.course.runs["a"].unchanged == "other"
    assert play.decide().start == ("b", "c")


@pytest.mark.shows("K60")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_happens_it_ends_and_nothing_runs_that_should_not(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    steps = []
    for number in range(count):
        others = [f"s{i}" for i in range(number)]
        after = data.draw(st.lists(st.sampled_from(others), unique=True)) if others else []
        times = data.draw(st.integers(0, 2))
        steps.append(step(f"s{number}", *after, retry={"times": times, "pause": "1 s"}))
    play = Play(workflow(*steps, parallel=data.draw(st.integers(1, 3))))
    cancelled = resumed = False
    for _ in range(400):
        decision = play.decide(asked=cancelled)
        for name in decision.start:
            needs = play.course.steps[name].needs
            assert all(play.state(other) is State.SUCCEEDED for other in needs)
        assert len(play.course.open) <= play.flow.parallel
        if decision.finish:
            if resumed or decision.finish.state is State.SUCCEEDED:
                break
            resumed, cancelled = True, False
            play.note(Resumed(time=play.now))
        elif play.course.open:
            name = data.draw(st.sampled_from(sorted(play.course.open)))
            failed = State.CANCELLED if play.course.cancelling else State.FAILED
            play.end(name, data.draw(st.sampled_from([State.SUCCEEDED, failed])))
        elif decision.wake:
            play.now = decision.wake
        cancelled = cancelled or data.draw(st.integers(0, 20)) == 0
    assert play.course.state.final
    assert not play.course.open
    assert Course(play.flow, play.events).status({}) == play.course.status({})


def test_a_thousand_steps_cost_little() -> None:
    chain = [step("s0"), *(step(f"s{i}", f"s{i - 1}") for i in range(1, 500))]
    fan = [step(f"f{i}", "s0") for i in range(500)]
    play = Play(workflow(*chain, *fan, parallel=100))
    began = time.process_time()
    while not play.course.state.final:
        play.decide()
        for name in list(play.course.open):
            play.end(name)
    assert isinstance(play.events[-1], Finished)
    assert time.process_time() - began < 2.0  # seconds; 2 ms each, on a busy machine


def notebook(name: str, *after: str, **more: Any) -> Step:
    return Step(name=name, notebook="n.ipynb", after=after, **more)


CHAIN = workflow(
    notebook("a", retry={"times": 1, "pause": "5 s"}),
    notebook("b", "x", joined="a"),
    notebook("c", joined="b"),
    step("x"),
    step("after", "a"),
    parallel=1,
)


@pytest.mark.shows("T121")
def test_joined_steps_begin_and_end_as_one() -> None:
    """With what any of them needs; and whoever comes after one of them waits for all."""
    play = Play(CHAIN)
    assert play.decide().start == ("x",)
    play.end("x")
    assert play.decide().start == ("a",)
    for name in ("a", "b"):
        play.note(Ended(time=play.now, step=name, attempt=1, state=State.SUCCEEDED))
        assert play.decide().start == ()
    assert [play.state(name) for name in "abc"] == [State.SUCCEEDED] * 2 + [State.RUNNING]
    assert play.course.open["a"].at == "c"
    play.note(Ended(time=play.now, step="c", attempt=1, state=State.SUCCEEDED))
    assert play.decide().start == ("after",)
    play.end("after")
    finish = play.decide().finish
    assert finish is not None
    assert finish.state is State.SUCCEEDED
    assert Course(CHAIN, play.events).runs == play.course.runs


@pytest.mark.shows("T121")
def test_when_one_of_joined_steps_fails_all_are_repeated() -> None:
    play = Play(CHAIN)
    play.decide()
    play.end("x")
    for number in (1, 2):
        assert play.decide().start == ("a",)
        assert [play.state(name) for name in "abc"] == [State.RUNNING] + [State.WAITING] * 2
        play.note(Ended(time=play.now, step="a", attempt=number, state=State.SUCCEEDED))
        play.note(Ended(time=play.now, step="b", attempt=number, state=State.FAILED))
        assert play.decide().start == ()
        play.now += timedelta(seconds=5)
    assert play.state("b") is State.FAILED
    for name in ("c", "after"):
        assert play.course.runs[name].message == "Not begun: step 'b' has failed."
    play.note(Resumed(time=play.now))
    assert play.decide().start == ("a",)
    assert play.course.open["a"].number == 3
    assert [one.number for one in play.course.runs["b"].attempts] == [1, 2]


def test_joined_steps_that_wait_to_be_repeated_are_cancelled() -> None:
    play = Play(CHAIN)
    play.decide()
    play.end("x")
    play.decide()
    play.note(Ended(time=play.now, step="a", attempt=1, state=State.SUCCEEDED))
    play.note(Ended(time=play.now, step="b", attempt=1, state=State.FAILED))
    assert play.state("b") is State.PAUSING
    play.decide(asked=True)
    assert play.state("b") is State.CANCELLED
    finish = play.decide().finish
    assert finish is not None
    assert finish.state is State.CANCELLED
