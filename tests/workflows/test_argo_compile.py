"""Runs as Argo Workflows: what is written to the cluster. Pure.

The files in `golden` are what a person would review. After a change that is meant, write them anew:
``ALONGSIDE_WRITE_GOLDEN=1 pytest tests/workflows/test_argo_compile.py``.
"""

from __future__ import annotations

import base64
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hera.workflows.models import Workflow as ArgoWorkflow

from alongside.errors import InvalidFields, InvalidRequest
from alongside.models import Pod
from alongside_workflows import Amounts, BackendWish, Retry, Step
from alongside_workflows.executors.argo.compile import manifests, secret
from alongside_workflows.executors.argo.fitting import LARGEST
from alongside_workflows.executors.argo.naming import owned, step_name
from alongside_workflows.executors.argo.parts import Part
from alongside_workflows.executors.argo.records import parse_record, record
from alongside_workflows.executors.base import Credentials
from alongside_workflows.runs import RunSpec
from tests.workflows.argo_runs import API, SETTINGS, SHARING, command, notebook, run_of

GOLDEN = Path(__file__).parent / "golden"
ALPINE = "python:alpine3.6"

RUNS: dict[str, tuple[RunSpec, Any]] = {
    "single-notebook": (run_of(notebook("report", parameters={"n": 10})), SETTINGS),
    "diamond": (
        run_of(
            *(
                command(
                    name,
                    "echo",
                    "{message}",
                    parameters={"message": text},
                    image=ALPINE,
                    after=after,
                )
                for name, text, after in (
                    ("a", "A", ()),
                    ("b", "B", ("a",)),
                    ("c", "C", ("a",)),
                    ("d", "D", ("b", "c")),
                )
            )
        ),
        SETTINGS,
    ),
    "backend": (
        run_of(
            notebook(
                "etl",
                backend=BackendWish(options={"workers": 4}, minimum=2, wait=timedelta(minutes=5)),
                resources=Amounts(cores=2, memory=2**31, gpus=1),
                timeout=timedelta(hours=1),
            ),
            parallel=2,
            timeout=timedelta(hours=2),
        ),
        SETTINGS,
    ),
    "results": (
        run_of(
            command("2-fetch", "fetch", results=("count", "path")),
            notebook("clean", results=("rows",), after=("2-fetch",)),
            notebook(
                "report",
                takes={"n": "2-fetch.count", "path": "2-fetch.path", "rows": "clean.rows"},
            ),
        ),
        SETTINGS,
    ),
    "retries": (
        run_of(
            notebook(
                "flaky",
                retry=Retry(
                    times=3,
                    pause=timedelta(seconds=10),
                    factor=3,
                    longest=timedelta(minutes=1),
                ),
            )
        ),
        SETTINGS,
    ),
    "volumes": (
        run_of(
            command("send", "sh", "-c", "cp -r /f3.zarr /shared/", image="senddata:cpu"),
            notebook("use", after=("send",)),
            pod=Pod(
                volumes=(
                    {"name": "shared", "persistentVolumeClaim": {"claimName": "many-nfs-pvc"}},
                ),
                volume_mounts=({"name": "shared", "mountPath": "/shared"},),
                environment={"MODE": "fast"},
                node_selector={"disk": "ssd"},
            ),
        ),
        SHARING,
    ),
}


def workflow_of(spec: RunSpec, settings: Any = SETTINGS, part: Part | None = None) -> Any:
    """The Workflow that the run becomes."""
    return manifests(spec, settings, API, part or Part())[-1]


def readable(manifest: Any) -> Any:
    """With JSON in texts opened, so that it can be reviewed."""
    copy = json.loads(json.dumps(manifest))
    if copy["kind"] == "ConfigMap":
        copy["data"] = {name: json.loads(text) for name, text in copy["data"].items()}
    if copy["kind"] == "Workflow":
        copy["spec"]["podSpecPatch"] = json.loads(copy["spec"]["podSpecPatch"])
    return copy


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.shows("K77")
def test_a_run_becomes_the_objects_that_were_reviewed(name: str) -> None:
    spec, settings = RUNS[name]
    made = [readable(manifest) for manifest in manifests(spec, settings, API)]
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("ALONGSIDE_WRITE_GOLDEN"):
        path.write_text(yaml.safe_dump_all(made, sort_keys=False, allow_unicode=True))
    assert made == list(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize("name", RUNS)
def test_argos_own_models_take_the_workflow(name: str) -> None:
    made = workflow_of(*RUNS[name])
    parsed = ArgoWorkflow.model_validate(made)
    back = json.loads(parsed.model_dump_json(by_alias=True, exclude_none=True))
    assert back["spec"]["templates"] == made["spec"]["templates"]
    assert back["spec"].keys() == made["spec"].keys()  # each key is one that Argo knows


def test_the_token_is_in_the_secret_and_nowhere_else() -> None:
    spec = run_of(notebook("report"))
    credentials = Credentials(API, "s3cret-token")
    kept = secret(spec, credentials)
    assert base64.b64decode(kept["data"]["token"]).decode() == credentials.token
    others = [record(spec), *manifests(spec, SETTINGS, credentials.api)]
    assert credentials.token not in json.dumps(others)
    assert base64.b64encode(credentials.token.encode()).decode() not in json.dumps(others)


def test_the_record_says_what_was_asked_for_and_owns_the_rest() -> None:
    spec = run_of(*RUNS["results"][0].workflow.steps, parameters={"unit": "°C"})
    kept = {**record(spec)}
    assert parse_record(kept) == spec
    kept["metadata"] = {**kept["metadata"], "uid": "1-2-3"}
    for manifest in manifests(spec, SETTINGS, API):
        (owner,) = owned(manifest, kept)["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("ConfigMap", "1-2-3")


def test_a_spoilt_record_is_told() -> None:
    with pytest.raises(ValueError, match="can't be read"):
        parse_record({"metadata": {}, "binaryData": {"spec": "AAAA"}})


def test_every_container_is_restricted_and_only_argos_own_have_an_account() -> None:
    made = workflow_of(*RUNS["volumes"])["spec"]
    assert made["securityContext"]["runAsNonRoot"] is True
    assert made["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    patch = json.loads(made["podSpecPatch"])
    assert patch["automountServiceAccountToken"] is False
    mains = [template["container"] for template in made["templates"][1:]]
    for container in (*mains, *patch["containers"], *patch["initContainers"]):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert ("alongside-account" in mounted) == ("command" not in container)
        assert "command" not in container or container["command"]


HARD = ['it\'s "quoted"', "two  spaces ", "$HOME $(HOME) $$", "line\nbreak\t", "Zürich 🌍", "{x}"]


@pytest.mark.shows("K66")
def test_what_people_write_comes_out_as_they_wrote_it() -> None:
    values = {f"p{number}": text for number, text in enumerate([*HARD, "{{workflow.name}}"])}
    tasks, flow = manifests(run_of(notebook("report", parameters=values)), SETTINGS, API)
    told = json.loads(tasks["data"]["report"])
    assert told["task"]["values"] == values
    assert "Zürich" not in json.dumps(flow, ensure_ascii=False)


def kubernetes_reads(text: str) -> str:
    """What a container gets for a text in its definition that names no variable: `$$` is `$`."""
    return text.replace("$$", "$")


@pytest.mark.shows("K66")
def test_the_words_of_a_bare_command_come_out_as_they_were_written() -> None:
    parameters = {f"p{number}": text for number, text in enumerate(HARD)}
    words = [f"{{{name}}}" for name in parameters]
    step = command("say", "echo", *words, parameters=parameters, image=ALPINE)
    made = workflow_of(run_of(step))["spec"]["templates"]
    (task,) = made[0]["dag"]["tasks"]
    given = {item["name"]: item["value"] for item in task["arguments"]["parameters"]}
    command_ = made[1]["container"]["command"]
    names = [word.removeprefix("{{inputs.parameters.").removesuffix("}}") for word in command_]
    assert [kubernetes_reads(given[name]) for name in names] == ["echo", *HARD]


def test_a_bare_command_begins_in_the_workflows_directory_and_ends_in_time() -> None:
    step = command("say", "pwd", image=ALPINE, timeout=timedelta(minutes=1))
    made = workflow_of(run_of(step, directory="/data"))["spec"]["templates"][1]
    assert made["container"]["workingDir"] == "/data"
    assert made["activeDeadlineSeconds"] == 60


def test_what_argo_would_take_for_a_reference_is_refused_with_its_place() -> None:
    step = command("say", "echo", "{{{{workflow.name}}}}", image=ALPINE)
    with pytest.raises(InvalidRequest, match="two opening braces") as caught:
        workflow_of(run_of(step))
    assert caught.value.field == "steps.say.command"


@pytest.mark.parametrize("name", ["not", "in", "true", "3d", "a"])
def test_steps_may_be_called_what_means_something_else_to_argo(name: str) -> None:
    spec = run_of(command(name), command("z", after=(name,)))
    first, second = workflow_of(spec)["spec"]["templates"][0]["dag"]["tasks"]
    assert second["depends"] == first["name"]
    assert first["name"] == (name if name == "a" else f"S-{name}")
    assert step_name(first["name"]) == name


def test_thousands_of_steps_that_are_alike_share_a_template() -> None:
    steps = [notebook(f"s-{number:04}", parameters={"n": number}) for number in range(5000)]
    *tasks, flow = manifests(run_of(*steps), SETTINGS, API)
    assert len(flow["spec"]["templates"]) == 2
    assert len(json.dumps(flow, separators=(",", ":"))) < LARGEST
    assert len(tasks) > 1
    assert sum(len(each["data"]) for each in tasks) == 5000
    for each in tasks:
        assert sum(len(text.encode()) for text in each["data"].values()) < 2**20


def test_a_workflow_that_is_too_large_is_refused_in_words() -> None:
    steps = [
        command(f"s-{number:04}", "echo", "x" * 400, str(number), image=ALPINE)
        for number in range(3000)
    ]
    with pytest.raises(InvalidRequest, match="MB as an object of Kubernetes"):
        workflow_of(run_of(*steps))


def test_a_resumed_run_leaves_out_what_has_succeeded_and_puts_its_results_in() -> None:
    spec = RUNS["results"][0]
    part = Part(2, done={"2-fetch": {"count": 3, "path": "/x"}}, tried={"2-fetch": 1, "clean": 2})
    tasks, flow = manifests(spec, SETTINGS, API, part)
    assert flow["metadata"]["name"] == "run-weather-abc-2"
    clean, report = flow["spec"]["templates"][0]["dag"]["tasks"]
    assert "depends" not in clean
    assert report["depends"] == "clean"
    told = json.loads(tasks["data"]["report"])
    assert told["task"]["values"] == {"n": 3, "path": "/x"}
    assert told["takes"] == {"rows": ["clean", "rows"]}
    assert json.loads(tasks["data"]["clean"])["task"]["attempt"] == 3


def test_no_two_runs_have_objects_of_the_same_name() -> None:
    resumed = manifests(run_of(notebook("x"), id="a"), SETTINGS, API, Part(2))
    other = manifests(run_of(notebook("x"), id="a-2"), SETTINGS, API)
    names = [(item["kind"], item["metadata"]["name"]) for item in (*resumed, *other)]
    names += [
        ("ConfigMap", record(run_of(notebook("x"), id=id))["metadata"]["name"]) for id in "ab"
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("field", "pod"),
    [
        ("pod.volumes.0", Pod(volumes=({"name": "x", "secret": {"secretName": "hub"}},))),
        ("pod.volumes.0", Pod(volumes=({"name": "x", "hostPath": {"path": "/"}},))),
        (
            "pod.volumes.0",
            Pod(volumes=({"name": "x", "persistentVolumeClaim": {"claimName": "claim-bob"}},)),
        ),
        ("pod.volumes.0", Pod(volumes=({"name": "alongside-run", "emptyDir": {}},))),
        ("pod.volume_mounts.0", Pod(volume_mounts=({"name": "alongside-run", "mountPath": "/a"},))),
        (
            "pod.volume_mounts.0",
            Pod(
                volumes=({"name": "x", "emptyDir": {}},),
                volume_mounts=({"name": "x", "mountPath": "/alongside/task"},),
            ),
        ),
        ("pod.labels", Pod(labels={"app.kubernetes.io/name": "alongside"})),
        ("pod.priority_class", Pod(priority_class="system-node-critical")),
        ("pod", Pod(environment={"X": "{{workflow.name}}"})),
    ],
)
def test_a_workflow_gets_nothing_that_is_the_operators_or_other_peoples(
    field: str, pod: Pod
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        workflow_of(run_of(notebook("report"), pod=pod), SHARING)
    assert caught.value.field == field
    assert caught.value.remedy


def test_a_claim_is_mounted_once_since_kubernetes_would_wait_for_ever() -> None:
    claim = {"persistentVolumeClaim": {"claimName": "many-nfs-pvc"}}
    pod = Pod(volumes=({"name": "x", **claim}, {"name": "y", **claim}))
    with pytest.raises(InvalidRequest, match="'x' and 'y' are the same claim") as caught:
        workflow_of(run_of(notebook("report"), pod=pod), SHARING)
    assert caught.value.field == "pod.volumes"


def test_all_that_cant_be_had_is_told_at_once() -> None:
    steps = [
        notebook("a"),
        notebook("b", joined="a"),
        Step(name="c", command=("x",), image="{{i}}"),
    ]
    with pytest.raises(InvalidFields) as caught:
        workflow_of(run_of(*steps, pod=Pod(runtime_class="x"), throttle={"starts": 3}))
    assert [error.field for error in caught.value.errors] == [
        "pod.runtime_class",
        "steps.b.joined",
        "steps.c.image",
        "throttle",
    ]
