"""Steps of both kinds of backends and of none in one run (FR3); what Arkouda has computed goes on
into the flow, and one lost locale doesn't cost the rest. Service, runs, Dask and client are real,
Arkouda's server is its double unless there is a real one.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import alongside
from alongside import elsewhere
from alongside.endpoint import complete
from alongside.errors import Conflict
from alongside.kinds.arkouda import keeper
from tests.client.arkouda_kernel import REAL, group
from tests.client.real import RealService, real_service
from tests.doubles.arkouda import CLIENT, server
from tests.stack import command, marked_processes
from tests.waiting import wait_until
from tests.workflows.notebooks import notebook

pytestmark = pytest.mark.slow

AGE = "2026"
OVER = ("succeeded", "failed", "cancelled")
CATALOGUE = """\
profiles:
  all:
    title: All
    default: dask
    backends:
      dask:
        options: {workers: 1, cores: 1, memory: 400 MiB}
        lifetime: {idle: 30 min}
      arkouda:
        options:
          locales: {default: 1, minimum: 1, maximum: 2}
          cores: 1
          memory: 400 MiB
        lifetime: {idle: 30 min}
"""
ENVIRONMENT = {} if REAL else {"PYTHONPATH": str(CLIENT), "ARKOUDA_DOUBLE_AGE": AGE}
ATTACH = "import alongside\nak = alongside.attach(kind='arkouda')"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealService]:
    with pytest.MonkeyPatch.context() as patch:
        executable = server(tmp_path_factory.mktemp("server"), age=AGE)
        patch.setenv(keeper.VARIABLE, str(executable))
        with real_service(CATALOGUE) as service:
            yield service


@pytest.fixture
def ada(real: RealService) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {real.token}"}
    with httpx.Client(base_url=complete(real.url), headers=headers, timeout=30) as client:
        yield client


def submit(client: httpx.Client, place: Path, *steps: dict[str, Any]) -> str:
    flow = {"name": "kinds", "steps": steps, "directory": str(place)}
    answer = client.post("runs", json={"workflow": flow})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def over(client: httpx.Client, id: str, seen: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The steps of a run that has succeeded. `seen` gets the kinds of all backends on the way."""

    def found() -> dict[str, Any] | None:
        seen.update((one["id"], one["kind"]) for one in client.get("backends").json())
        run: dict[str, Any] = client.get(f"runs/{id}").json()
        return run if run["state"] in OVER else None

    run = wait_until("it is over", found, 150)
    assert run["state"] == "succeeded", run
    return {step["name"]: step for step in run["steps"]}


def on_arkouda(locales: int) -> dict[str, Any]:
    wish = {"kind": "arkouda", "options": {"locales": locales}}
    return {"backend": wish, "environment": ENVIRONMENT, "notebook": "sum.ipynb"}


@pytest.mark.shows("K55", "K75")
@pytest.mark.timeout(300)
def test_fr3_one_cluster_and_one_group_are_made_and_none_for_the_plain_steps(
    real: RealService, ada: httpx.Client, tmp_path: Path
) -> None:
    notebook(tmp_path / "sum.ipynb", "n: int = 1", ATTACH, "total = int(ak.arange(n).sum())")
    words = "from distributed import Client; print(Client().submit(sum, [1, 2]).result())"
    id = submit(
        ada,
        tmp_path,
        {"name": "plain", "command": ["echo", "7"]},
        {"name": "dask", "command": ["python", "-c", words], "backend": {"kind": "dask"}},
        {"name": "one", **on_arkouda(1), "parameters": {"n": 10}, "results": ["total"]},
        {
            "name": "two",
            **on_arkouda(2),
            "results": ["total"],
            "takes": {"n": "one.total"},
            "after": ["dask", "plain"],
        },
        {
            "name": "last",
            "command": ["echo", "{total}"],
            "takes": {"total": "two.total"},
        },
    )
    seen: dict[str, str] = {}
    steps = over(ada, id, seen)
    used = {name: step["backend"] for name, step in steps.items()}
    assert used["plain"] == used["last"] == ""
    assert len({used["dask"], used["one"], used["two"]} - {""}) == 3
    # the same notebook, on one locale and on two, and what it found goes on into the flow
    assert steps["one"]["results"] == {"total": 45}
    assert steps["two"]["results"] == {"total": sum(range(45))}
    assert ada.get(f"runs/{id}/steps/last/log").text.strip() == str(sum(range(45)))
    wait_until("all ended", lambda: not ada.get("backends").json(), 60)
    assert sorted(seen.values()) == ["arkouda", "arkouda", "dask"]
    assert seen.keys() == {used["dask"], used["one"], used["two"]}


@pytest.mark.shows("K76")
@pytest.mark.timeout(300)
def test_a_lost_locale_costs_one_attempt_and_nothing_that_was_done(
    real: RealService, ada: httpx.Client, tmp_path: Path
) -> None:
    wait = "open('there', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.05)"
    lost = f"import os, time\n{wait}"
    notebook(
        tmp_path / "sum.ipynb",
        "n: int = 1",
        ATTACH,
        lost,
        "total = int(ak.arange(n).sum())",
    )
    mark = ["sh", "-c", "echo x >> {name}; printf 'n=10' > $ALONGSIDE_RESULTS"]
    id = submit(
        ada,
        tmp_path,
        {"name": "a", "command": mark, "parameters": {"name": "a"}, "results": ["n"]},
        {"name": "b", "command": mark, "parameters": {"name": "b"}, "after": ["a"]},
        {
            "name": "c",
            **on_arkouda(2),
            "takes": {"n": "a.n"},
            "after": ["b"],
            "results": ["total"],
            "retry": {"times": 2, "pause": "1 s"},
        },
        {"name": "d", "command": ["echo", "{total}"], "takes": {"total": "c.total"}},
    )
    wait_until("it computes", (tmp_path / "there").exists, 100)
    first = {step["name"]: step for step in ada.get(f"runs/{id}").json()["steps"]}["c"]["backend"]
    locales = [p for p in marked_processes(first) if "arkouda_server" in command(p)]
    os.kill(locales[-1].pid, signal.SIGKILL)
    wait_until(
        "the group is gone",
        lambda: (
            ada.get(f"backends/{first}").json().get("phase")
            in (None, "failed", "stopping", "stopped")
        ),
        100,
    )
    (tmp_path / "go").touch()
    steps = over(ada, id, {})
    assert [a["state"] for a in steps["c"]["attempts"]] == ["failed", "succeeded"]
    assert steps["c"]["results"] == {"total": 45}
    assert steps["c"]["backend"] != first
    for name in "ab":
        assert len(steps[name]["attempts"]) == 1
        assert (tmp_path / name).read_text() == "x\n"
    wait_until("all ended", lambda: not ada.get("backends").json(), 60)


@pytest.mark.shows("K43", "K75")
@pytest.mark.timeout(300)
def test_the_same_step_on_a_server_elsewhere_on_one_locale_and_on_two(
    real: RealService, ada: httpx.Client, tmp_path: Path
) -> None:
    """What differs is where it is said to compute; the server elsewhere goes on afterwards."""
    cells = ("n: int = 1", ATTACH, "a = ak.arange(n)\ntotal = int((a * a + 1).sum())")
    notebook(tmp_path / "sum.ipynb", *cells)
    same = {"notebook": "sum.ipynb", "parameters": {"n": 1000}, "results": ["total"]}
    with group(tmp_path / "node17", "real" if REAL else AGE) as there:
        named = {
            elsewhere.ADDRESS: f"127.0.0.1:{there.port}",
            elsewhere.TOKEN_FILE: str(there.cwd / ".arkouda" / "tokens.txt"),
        }
        id = submit(
            ada,
            tmp_path,
            {"name": "external", **same, "environment": ENVIRONMENT | named},
            {"name": "node", **on_arkouda(1), **same},
            {"name": "swarm", **on_arkouda(2), **same},
        )
        steps = over(ada, id, {})
        assert there.ask("ruok", token=there.token)["msg"] == "imok"
    wanted = sum(n * n + 1 for n in range(1000))
    assert [steps[name]["results"] for name in ("external", "node", "swarm")] == [
        {"total": wanted}
    ] * 3
    assert steps["external"]["backend"] == ""
    wait_until("all ended", lambda: not ada.get("backends").json(), 60)


@pytest.mark.shows("K48")
@pytest.mark.timeout(300)
def test_two_runs_at_once_compute_on_two_groups_that_know_nothing_of_each_other(
    real: RealService, ada: httpx.Client, tmp_path: Path
) -> None:
    """A name that is given twice would be refused by one server, and both have it at once."""
    wait = (
        "import os, time\n"
        "open(f'{me}.has', 'w').close()\n"
        "until = time.monotonic() + 120\n"
        "while not os.path.exists(f'{other}.has'):\n"
        "    assert time.monotonic() < until\n"
        "    time.sleep(0.05)"
    )
    named = "a = ak.arange(n)\na.register('mine')"
    after = "total = int(a.sum())\nport = ak.get_config()['ServerPort']"
    cells = ("n: int = 1\nme: str = ''\nother: str = ''", ATTACH, named, wait, after)
    notebook(tmp_path / "sum.ipynb", *cells)
    ids = {}
    for me, other, n in (("one", "two", 10), ("two", "one", 100)):
        told = {"parameters": {"n": n, "me": me, "other": other}, "results": ["total", "port"]}
        ids[me] = submit(ada, tmp_path, {"name": me, **on_arkouda(1), **told})
    found = {me: over(ada, id, {})[me] for me, id in ids.items()}
    assert found["one"]["results"]["total"] == 45
    assert found["two"]["results"]["total"] == 4950
    assert found["one"]["backend"] != found["two"]["backend"]
    assert found["one"]["results"]["port"] != found["two"]["results"]["port"]
    wait_until("all ended", lambda: not ada.get("backends").json(), 60)


@pytest.mark.shows("K48")
@pytest.mark.timeout(300)
def test_runs_on_one_group_take_turns_and_one_that_is_killed_gives_its_place_to_the_next(
    real: RealService, ada: httpx.Client, tmp_path: Path
) -> None:
    """All three have the name at the same place, and none finds that another one has it still."""
    own = {"kind": "arkouda", "options": {"locales": 1}, "session": ""}
    group = ada.post("backends", json=own).json()["id"]
    hold = (
        "import os, time\n"
        "with open(f'{me}.pid', 'w') as file:\n"
        "    file.write(str(os.getppid()))\n"
        "until = time.monotonic() + 120\n"
        "while not os.path.exists('go'):\n"
        "    assert time.monotonic() < until\n"
        "    time.sleep(0.05)"
    )
    mine = "a = ak.arange(n)\ntotal = int(a.sum())"
    notebook(tmp_path / "sum.ipynb", "n: int = 1\nme: str = ''", ATTACH, mine, hold)

    def submitted(me: str, n: int) -> str:
        step = {"name": me, "notebook": "sum.ipynb", "parameters": {"n": n, "me": me}}
        step |= {"backend": "session", "environment": ENVIRONMENT, "results": ["total"]}
        flow = {"name": me, "steps": [step], "directory": str(tmp_path)}
        return str(ada.post("runs", json={"workflow": flow, "session": ""}).json()["id"])

    def waits_for(id: str, what: str) -> None:
        wait_until(what, lambda: what in ada.get(f"runs/{id}").json()["steps"][0]["message"], 60)

    one = submitted("one", 10)
    wait_until("one computes", lambda: pid_of(tmp_path / "one.pid"), 120)
    two = submitted("two", 100)
    waits_for(two, "Step one of one computes on arkouda; this step is next.")
    three = submitted("three", 1000)
    waits_for(three, "1 step waits before this one.")
    with (
        alongside.Client(real.url, real.token) as client,
        pytest.raises(Conflict, match="Step one"),
    ):
        client.backend(group).client()
    os.kill(pid_of(tmp_path / "one.pid"), signal.SIGKILL)
    wait_until("two computes", lambda: pid_of(tmp_path / "two.pid"), 60)
    waits_for(three, "Step two of two computes on arkouda; this step is next.")
    assert not (tmp_path / "three.pid").exists()
    (tmp_path / "go").touch()
    assert over(ada, two, {})["two"]["results"] == {"total": 4950}
    assert over(ada, three, {})["three"]["results"] == {"total": 499500}
    assert ada.get(f"runs/{one}").json()["state"] == "failed"
    wait_until("nobody has it", lambda: not ada.get(f"backends/{group}").json()["reservations"], 60)
    assert ada.delete(f"backends/{group}").status_code == 202
    wait_until("all ended", lambda: not ada.get("backends").json(), 60)


def pid_of(file: Path) -> int:
    """The process that executes a step, once its notebook has told; 0 before."""
    return int(file.read_text() or 0) if file.exists() else 0


SCRIPT = """
import csv, json, os
import alongside
ak = alongside.attach(kind="arkouda")
with open(os.environ["data"], newline="") as file:
    values = [int(row["n"]) for row in csv.DictReader(file)]
with open(os.environ["found"], "w") as file:
    json.dump({"total": int(ak.array(values).sum())}, file)
"""


@pytest.mark.shows("K50")
@pytest.mark.timeout(300)
def test_any_command_drives_a_group_and_leaves_result_and_record(
    real: RealService, ada: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / "values.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(10)))
    (tmp_path / "wrong.csv").write_text("n\nmany\n")
    (tmp_path / "sums.py").write_text(SCRIPT)

    def sums(data: str) -> dict[str, Any]:
        return {
            "name": "sums",
            "command": ["python", "sums.py"],
            "backend": {"kind": "arkouda", "options": {"locales": 2}},
            "environment": ENVIRONMENT,
            "inputs": {"data": data},
            "outputs": {"found": "found.json"},
        }

    id = submit(ada, tmp_path, sums("values.csv"))
    assert over(ada, id, {})["sums"]["state"] == "succeeded"
    assert json.loads((tmp_path / "found.json").read_text()) == {"total": 45}
    record = ada.get(f"runs/{id}/record").text
    for name in ("values.csv", "found.json"):
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() in record
    id = submit(ada, tmp_path, sums("wrong.csv"))
    wait_until("it has failed", lambda: ada.get(f"runs/{id}").json()["state"] == "failed", 150)
    assert "invalid literal for int() with base 10: 'many'" in (
        ada.get(f"runs/{id}/steps/sums/log").text
    )
    wait_until("all ended", lambda: not running(ada), 60)


def running(client: httpx.Client) -> list[Any]:
    """Backends that have not ended; that of a failed run is kept for a while for its resumption."""
    for run in client.get("runs").json():
        client.delete(f"runs/{run['id']}", timeout=60)
    return list(client.get("backends").json())
