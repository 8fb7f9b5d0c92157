"""Workflows written for Hera and Argo, as ours: replays V1 and V7 of the sources.

The script below is what Hera's users write; Hera reads its source, so it stands in a file.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hera.workflows import DAG, Container, Parameter, Resource, Script, Steps, models, script
from hera.workflows import Workflow as HeraWorkflow

from alongside.errors import InvalidFields, InvalidRequest
from alongside_workflows import BackendWish, Retry, Workflow, workflow
from alongside_workflows.executors.argo.compile import manifests
from alongside_workflows.hera_objects import is_argo, read_argo, read_argo_yaml, read_hera
from alongside_workflows.runs import RunSpec
from tests.workflows.argo_runs import API, CREATED, SHARING

IMAGE = "python:alpine3.6"


@script(add_cwd_to_sys_path=False, image=IMAGE)
def echo(message):  # as the source has it; Hera reads no postponed annotations
    print(message)


def diamond_in_hera() -> HeraWorkflow:
    with HeraWorkflow(generate_name="dag-diamond-", entrypoint="diamond") as w, DAG(name="diamond"):
        a = echo(name="A", arguments={"message": "A"})
        b = echo(name="B", arguments={"message": "B"})
        c = echo(name="C", arguments={"message": "C"})
        d = echo(name="D", arguments={"message": "D"})
        a >> [b, c] >> d
    return w


def diamond_in_ours() -> Workflow:
    w = workflow("dag-diamond", directory="/")
    words = ["python", "-c", "print('{message}')"]
    a, b, c, d = (
        w.command(name.lower(), words, image=IMAGE, parameters={"message": name}) for name in "ABCD"
    )
    a >> [b, c] >> d
    return w.build()


DIAMOND = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: dag-diamond-
spec:
  entrypoint: diamond
  templates:
    - dag:
        tasks:
          - {name: A, template: echo, arguments: {parameters: [{name: message, value: A}]}}
          - name: B
            depends: A
            template: echo
            arguments: {parameters: [{name: message, value: B}]}
          - name: C
            depends: A
            template: echo
            arguments: {parameters: [{name: message, value: C}]}
          - name: D
            depends: B && C
            template: echo
            arguments: {parameters: [{name: message, value: D}]}
      name: diamond
    - inputs:
        parameters:
          - name: message
      name: echo
      script:
        command: [python]
        image: python:alpine3.6
        source: |
          import json
          try: message = json.loads(r'''{{inputs.parameters.message}}''')
          except: message = r'''{{inputs.parameters.message}}'''
          print(message)
"""


def compiled(flow: Workflow) -> dict[str, Any]:
    """The Workflow that it becomes."""
    run = RunSpec(id="v1", owner="ada", workflow=flow, executor="argo", created=CREATED)
    made: dict[str, Any] = manifests(run, SHARING, API)[-1]
    return made


def normalised(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a Workflow does: each task by its name, with what it comes after, image and words.

    Left out is how that is said (names of templates, a script's staging) and the protection of
    pods, of which the hand-written one has none.
    """
    templates = {item["name"]: item for item in manifest["spec"]["templates"]}
    found = {}
    for task in templates[manifest["spec"]["entrypoint"]]["dag"]["tasks"]:
        template = templates[task["template"]]
        given = {item["name"]: item["value"] for item in task["arguments"]["parameters"]}
        main = template.get("script") or template["container"]
        words = [*main["command"], *(["-c", main["source"]] if "source" in main else [])]

        def put_in(word: str, given: dict[str, str] = given) -> str:
            reference = re.compile(r"\{\{inputs\.parameters\.([\w-]+)\}\}")
            return reference.sub(lambda match: given[match[1]], word)

        depends = task.get("depends", "")
        found[task["name"].lower()] = {
            "after": sorted(name.strip().lower() for name in depends.split("&&") if name.strip()),
            "image": main["image"],
            "words": [same_code(put_in(word)) for word in words],
        }
    return found


def same_code(word: str) -> str:
    """Python's own view of a source, so that blank lines make no difference."""
    return ast.unparse(ast.parse(word)) if "print" in word else word


@pytest.mark.shows("K59", "K64")
def test_v1_in_hera_in_yaml_and_as_a_manifest_is_the_same_diamond() -> None:
    by_hera, by_hand = read_hera(diamond_in_hera()), read_argo_yaml(DIAMOND)
    assert by_hera.name == by_hand.name == "dag-diamond"
    wanted = normalised(yaml.safe_load(DIAMOND))
    assert wanted["d"]["after"] == ["b", "c"]
    assert normalised(compiled(by_hera)) == wanted
    assert normalised(compiled(by_hand)) == wanted
    # a name that no two runs share takes the place of `generateName`
    assert compiled(by_hand)["metadata"]["name"] == "run-v1-1"


@pytest.mark.shows("K59", "K64")
def test_v1_in_ours_has_the_same_graph_and_is_shorter() -> None:
    ours = normalised(compiled(diamond_in_ours()))
    for name, task in normalised(yaml.safe_load(DIAMOND)).items():
        assert ours[name]["after"] == task["after"]
        assert ours[name]["image"] == task["image"]
    hera = inspect.getsource(diamond_in_hera) + textwrap.dedent("def echo(message):\n  print()")
    mine = inspect.getsource(diamond_in_ours)
    assert len(mine) < len(hera)


@pytest.mark.parametrize("way", [lambda: read_hera(diamond_in_hera()), diamond_in_ours])
def test_the_words_of_v1_print_what_they_ought_to(way: Any) -> None:
    for name, task in normalised(compiled(way())).items():
        words = [sys.executable, *task["words"][1:]]
        assert subprocess.check_output(words, text=True) == f"{name.upper()}\n"


JOB = {
    "apiVersion": "kubernetes.dask.org/v1",
    "kind": "DaskJob",
    "metadata": {"generateName": "dask-jobs-", "namespace": "example-namespace"},
    "spec": {
        "job": {
            "spec": {
                "serviceAccountName": "example-sa",
                "containers": [
                    {
                        "name": "job",
                        "image": "example-image",
                        "imagePullPolicy": "IfNotPresent",
                        "args": [
                            *("python", "attribute_extractor.py", "-x", "128", "-y", "128"),
                            *("-z", "-1", "-a", "envelope", "-r", "cpu"),
                            *("-d", "/shared/f3.zarr", "-o", "/shared/output.zarr"),
                        ],
                        "volumeMounts": [{"name": "shared", "mountPath": "/shared"}],
                    }
                ],
                "volumes": [
                    {"name": "shared", "persistentVolumeClaim": {"claimName": "many-nfs-pvc"}}
                ],
            }
        },
        "cluster": {"spec": {"worker": {"replicas": 2, "spec": {"containers": []}}}},
    },
}


def target_in_hera(manifest: Any = JOB) -> HeraWorkflow:
    claim = models.Volume(name="shared", persistent_volume_claim={"claim_name": "many-nfs-pvc"})
    with HeraWorkflow(
        generate_name="dag-target-",
        entrypoint="dag-target",
        namespace="dasf-da121b4a",
        arguments=Parameter(name="target", value="E"),
        volumes=[claim],
    ) as w:
        send = Container(
            name="send-data",
            image="senddata:cpu",
            command=["sh", "-c"],
            args=["cp -r /f3.zarr /shared/"],
            volume_mounts=[models.VolumeMount(name="shared", mount_path="/shared")],
        )
        job = Resource(
            name="dask-job",
            action="create",
            service_account_name="example-sa",
            manifest=yaml.safe_dump(manifest),
        )
        with DAG(name="dag-target"):
            send(name="A") >> job(name="B")
    return w


@pytest.mark.shows("K59")
def test_v7_fr7_becomes_a_command_and_one_on_a_backend_of_its_own() -> None:
    flow = read_hera(target_in_hera())
    a, b = flow.steps
    assert a.command == ("sh", "-c", "cp -r /f3.zarr /shared/")
    assert (a.image, a.backend) == ("senddata:cpu", None)
    assert b.command is not None
    assert b.command[:2] == ("python", "attribute_extractor.py")
    assert b.backend == BackendWish(kind="dask", options={"workers": 2})
    assert (b.after, b.image) == (("a",), "example-image")
    (volume,) = flow.pod.volumes
    assert volume["persistentVolumeClaim"]["claimName"] == "many-nfs-pvc"
    made = compiled(flow)["spec"]["templates"][1:]
    for template in made:
        mounts = template["container"]["volumeMounts"]
        assert {"name": "shared", "mountPath": "/shared"} in mounts


@pytest.mark.shows("K66")
@pytest.mark.parametrize("text", ['it\'s "q"', "two  spaces", "$HOME", "a\nb", "Zürich", "{x}"])
def test_arguments_come_through_as_they_were_written(text: str) -> None:
    with HeraWorkflow(name="say", entrypoint="d") as w:
        say = Container(
            name="say",
            image=IMAGE,
            command=["echo"],
            args=["{not this} {{inputs.parameters.the-text}}"],
            inputs=[Parameter(name="the-text")],
        )
        with DAG(name="d"):
            say(name="one", arguments={"the-text": text})
    (step,) = read_hera(w).steps
    assert step.parameters == {"the_text": text}
    task = normalised(compiled(read_hera(w)))["one"]
    assert task["words"] == ["echo", f"{{not this}} {text}".replace("$", "$$")]


def test_lists_of_steps_come_one_after_the_other() -> None:
    with HeraWorkflow(name="lists", entrypoint="st", parallelism=2) as w:
        run = Container(name="run", image=IMAGE, command=["true"], retry_strategy={"limit": 2})
        with Steps(name="st") as st:
            run(name="A")
            with st.parallel():
                run(name="B")
                run(name="C")
            run(name="D")
    flow = read_hera(w)
    assert {step.name: step.after for step in flow.steps} == {
        "a": (),
        "b": ("a",),
        "c": ("a",),
        "d": ("b", "c"),
    }
    assert flow.parallel == 2
    assert flow.steps[0].retry == Retry(times=2)


def argo(*templates: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "x-"},
        "spec": {"entrypoint": templates[0]["name"], "templates": list(templates), **spec},
    }


def container(**more: Any) -> dict[str, Any]:
    return {"name": "run", "container": {"image": IMAGE, "command": ["true"]}, **more}


def dag(**task: Any) -> dict[str, Any]:
    return {"name": "d", "dag": {"tasks": [{"name": "t", "template": "run", **task}]}}


def test_amounts_environment_and_limits_are_taken_over() -> None:
    main = {
        "image": "{{workflow.parameters.image}}",
        "command": ["run", "{{workflow.parameters.n}}"],
        "env": [{"name": "MODE", "value": "fast"}],
        "resources": {
            "requests": {"cpu": "500m"},
            "limits": {"memory": "1Gi", "nvidia.com/gpu": 1},
        },
    }
    template = {"name": "run", "container": main, "activeDeadlineSeconds": 60}
    values = {"parameters": [{"name": "image", "value": "i:1"}, {"name": "n", "value": 3}]}
    (step,) = read_argo(argo(template, arguments=values)).steps
    assert (step.name, step.image, step.environment) == ("run", "i:1", {"MODE": "fast"})
    assert (step.resources.cores, step.resources.memory, step.resources.gpus) == (0.5, 2**30, 1)
    assert step.timeout == timedelta(minutes=1)
    assert step.command == ("run", "{n}")
    assert step.parameters == {"n": "3"}


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (argo(dag(withItems=[1, 2]), container()), "`withItems`"),
        (argo(dag(when="x"), container()), "`when`"),
        (argo(dag(depends="t || t"), container()), "depends"),
        (argo(dag(depends="nobody"), container()), "no 'nobody'"),
        (argo(dag(template="nobody"), container()), "'nobody'"),
        (argo(dag(), container(sidecars=[{"name": "x"}])), "`sidecars`"),
        (argo(dag(), container(), onExit="run"), "`onExit`"),
        (argo(dag(), {"name": "run", "suspend": {}}), "`suspend`"),
        (argo(dag(), {"name": "run", "container": {"image": "x"}}), "without `command`"),
        (
            argo(dag(), {"name": "run", "container": {"command": ["{{tasks.a.outputs.result}}"]}}),
            "tasks.a.outputs.result",
        ),
        (
            argo(dag(), container(inputs={"parameters": [{"name": "n"}]})),
            "no value for n",
        ),
        (
            argo(dag(arguments={"parameters": [{"name": "n", "value": 1}]}), container()),
            "takes no n",
        ),
        (argo(dag(), {"name": "run", "script": {"command": ["lua"], "source": ""}}), "'lua'"),
        (argo(dag(template="d")), "graph within a graph"),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow"}, "no Workflow of Argo"),
        (argo({"name": "d", "dag": {"tasks": [3]}}), "no Workflow of Argo"),
    ],
)
def test_what_cant_be_taken_is_named(manifest: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_argo(manifest)
    assert words in caught.value.message
    assert caught.value.remedy


def test_all_that_cant_be_taken_is_told_at_once() -> None:
    with pytest.raises(InvalidFields) as caught:
        read_argo(argo(dag(when="x"), container(), onExit="run", hooks={"exit": {}}))
    assert len(caught.value.errors) == 2


@pytest.mark.shows("K66")
def test_only_daskjobs_are_taken_among_resources() -> None:
    with pytest.raises(InvalidRequest, match="anything but a DaskJob"):
        read_hera(target_in_hera({"kind": "Job"}))


def test_a_definition_of_ours_is_none_of_argo() -> None:
    assert not is_argo({"name": "x", "steps": []})
    assert is_argo(yaml.safe_load(DIAMOND))


def test_a_script_of_a_shell_is_an_argument_of_it() -> None:
    with HeraWorkflow(name="sh", entrypoint="s") as w:
        Script(name="s", image="alpine", command=["/bin/bash"], source="echo ${HOME}")
    (step,) = read_hera(w).steps
    assert step.command == ("/bin/bash", "-c", "echo ${{HOME}}")
    assert normalised_words(w) == ["/bin/bash", "-c", "echo $${HOME}"]


def normalised_words(w: HeraWorkflow) -> list[str]:
    (task,) = normalised(compiled(read_hera(w))).values()
    words: list[str] = task["words"]
    return words
