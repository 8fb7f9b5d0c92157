"""The parameters of Arkouda's own deployment workflows, and the groups and exporters they are for.

V26 to V29 are the listings of the sources; their slips are refused, or both spellings are taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from alongside.errors import InvalidFields, InvalidRequest
from alongside_operator import deploy, deployed, doors, parameters, pods
from alongside_operator.group import Group, Setting
from alongside_operator.variables import NAMES
from alongside_workflows.files import read_workflow
from tests.house.test_source import ROOT

V26 = """
KUBERNETES_URL=https://localhost:6443
ARKOUDA_MEMORY=2048Mi
ARKOUDA_CPU_CORES=2000m
ARKOUDA_PROMETHEUS_MATCH_LABEL=release: kube-stack
ARKOUDA_SSH_SECRET=arkouda-ssh
ARKOUDA_NAMESPACE=arkouda
ARKOUDA_METRICS_SERVICE_PORT=5556
ARKOUDA_VERSION=v2024.04.19
ARKOUDA_INSTANCE_NAME=arkouda-on-k8s
ARKOUDA_SERVER_NAME=arkouda-on-k8s
ARKOUDA_LAUNCHER=kubernetes
ARKOUDA_METRICS_POLLING_INTERVAL=15
ARKOUDA_METRICS_SERVICE_HOST=arkouda-on-k8s-metrics
ARKOUDA_EXPORTER_APP_NAME=arkouda-on-k8s-exporter
ARKOUDA_EXPORTER_SERVICE_NAME=arkouda-on-k8s-exporter
ARKOUDA_SERVICEACCOUNT_NAME=k8s-arkouda
ARKOUDA_SERVICEACCOUNT_TOKEN_NAME=k8s-arkouda-token
ARKOUDA_USER=user
ARKOUDA_UID=1005
ARKOUDA_GROUP=usergroup
ARKOUDA_GID=1006
ARKOUDA_NUMBER_OF_LOCALES=2
ARKOUDA_TOTAL_NUMBER_OF_LOCALES=3
ARKOUDA_IMAGE_POLICY=IfNotPresent
CHPL_NUM_THREADS_PER_LOCALE=2
CHPL_MEM_MAX=1000000000
"""
V29 = """
ARKOUDA_VERSION=v2024.04.19
ARKOUDA_NAMESPACE=arkouda
ARKOUDA_EXPORTER_SERVICE_NAME=arkouda-on-slurm-exporter
ARKOUDA_EXPORTER_APP_NAME=arkouda-on-slurm-exporter
ARKOUDA_EXPORTER_POLLING_INTERVAL=15
ARKOUDA_METRICS_SERVICE_HOST=arkouda-metrics.arkouda
ARKOUDA_METRICS_SERVICE_PORT=5556
ARKOUDA_SERVER_NAME=arkouda-on-slurm
ARKOUDA_PROMETHEUS_MATCH_LABEL=release: kube-stack
ARKOUDA_LAUNCHER=slurm
"""
IMAGE = {"ARKOUDA_IMAGE": "registry.example.org/arkouda-server"}
EXPORTER = {"ALONGSIDE_EXPORTER_IMAGE": "registry.example.org/alongside-service:1"}


def variables(block: str) -> dict[str, str]:
    lines = (line.partition("=") for line in block.strip().splitlines())
    return {name: value for name, _, value in lines}


def shown(capsys: pytest.CaptureFixture[str], *words: str, environ: dict[str, str]) -> list[Any]:
    """The objects that the command prints."""
    assert deploy.main(["show", *words], environ) == 0
    return list(YAML(typ="safe", pure=True).load_all(capsys.readouterr().out))


def of_operator(body: dict[str, Any]) -> Group:
    """What the operator takes it for."""
    metadata = {"uid": "1", **body["metadata"], "namespace": "arkouda"}
    return Group.of({**body, "metadata": metadata})


@pytest.mark.shows("K73")
def test_v26_is_that_very_group(capsys: pytest.CaptureFixture[str]) -> None:
    body, monitor = shown(capsys, "group", environ=variables(V26) | IMAGE)
    schema_file = ROOT / "deploy/helm/alongside/crds/arkoudaclusters.yaml"
    definition = YAML(typ="safe").load(schema_file)["spec"]["versions"][0]["schema"]
    jsonschema.validate(body, definition["openAPIV3Schema"])
    assert (body["metadata"]["name"], body["metadata"]["namespace"]) == (
        "arkouda-on-k8s",
        "arkouda",
    )
    one = of_operator(body)
    server = pods.server(one, Setting("alongside:1"), [("a/0", "10.0.0.1"), ("b/0", "10.0.0.2")])
    container = server["spec"]["containers"][1]
    words = container["command"]
    assert words[words.index("-nl") + 1] == "3"
    assert words[-1] == "--memMax=1000000000"
    assert container["image"] == "registry.example.org/arkouda-server:v2024.04.19"
    assert container["imagePullPolicy"] == "IfNotPresent"
    amounts = {"cpu": "2", "memory": str(2048 * 2**20)}
    assert container["resources"] == {"limits": amounts, "requests": amounts}
    # D20: the runtime's own name of this variable
    env = {v["name"]: v.get("value") for v in container["env"]}
    assert env["CHPL_RT_NUM_THREADS_PER_LOCALE"] == "2"
    security = server["spec"]["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (1005, 1006)
    assert pods.locales(one)["spec"]["replicas"] == 2
    # Prometheus finds it by the label, and by the label what it is to ask: each said once (D16)
    assert monitor["metadata"]["labels"]["release"] == "kube-stack"
    assert monitor["spec"]["endpoints"][0]["interval"] == "15s"
    service = doors.services(one)[0]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= (
        service["metadata"]["labels"].items()
    )
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    assert ports[monitor["spec"]["endpoints"][0]["port"]] == 5080


@pytest.mark.shows("K73", "K40")
def test_v27_another_account_is_said_by_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    more = {"ARKOUDA_UID": "1009", "ARKOUDA_GID": "1019", "ARKOUDA_USER": "bearsrus"}
    body, _ = shown(capsys, "group", environ=variables(V26) | IMAGE | more)
    spec = pods.locales(of_operator(body))["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsUser"] == 1009
    assert spec["securityContext"]["runAsGroup"] == 1019


@pytest.mark.shows("K73")
def test_options_go_before_variables_and_what_is_needless_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--image=arkouda:7", "--number-of-locales=4", "--total-number-of-locales=5"]
    words += ["--mem-max=", "--ssh-secret=keys"]
    assert deploy.main(["show", "group", *words], variables(V26)) == 0
    said = capsys.readouterr()
    body, _ = YAML(typ="safe", pure=True).load_all(said.out)
    assert body["spec"]["locales"] == 5
    assert body["spec"]["image"] == "arkouda:7"
    assert "flags" not in body["spec"]["server"]
    for name in ("KUBERNETES_URL", "ARKOUDA_SSH_SECRET", "ARKOUDA_SERVICEACCOUNT_NAME"):
        assert f"{name} is not needed." in said.err


@pytest.mark.shows("K38", "K73")
@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        # D2: 4 locales beside the server's, and 1 in all
        (
            {"ARKOUDA_NUMBER_OF_LOCALES": "4", "ARKOUDA_TOTAL_NUMBER_OF_LOCALES": "1"},
            "ARKOUDA_TOTAL_NUMBER_OF_LOCALES",
            "but 4 and the server's own make 5",
        ),
        # D4: 5 threads on one core; a number of bytes that was meant as mebibytes
        (
            {"CHPL_NUM_THREADS_PER_LOCALE": "5", "ARKOUDA_CPU_CORES": "1000m"},
            "CHPL_NUM_THREADS_PER_LOCALE",
            "5 threads would share 1 core of a locale",
        ),
        ({"CHPL_MEM_MAX": "2000"}, "CHPL_MEM_MAX", "2000 is 1.95 KiB"),
        ({"CHPL_MEM_MAX": "3000000000"}, "CHPL_MEM_MAX", "a locale has 2 GiB"),
        # D15: two names for one thing, with two meanings
        (
            {"ARKOUDA_EXPORTER_NAMESPACE": "elsewhere"},
            "ARKOUDA_EXPORTER_NAMESPACE",
            "ARKOUDA_NAMESPACE and ARKOUDA_EXPORTER_NAMESPACE say two things",
        ),
        ({"ARKOUDA_SERVER_NAME": "sums"}, "ARKOUDA_SERVER_NAME", "two names for one server"),
        ({"ARKOUDA_LAUNCHER": "slurm"}, "ARKOUDA_LAUNCHER", "Kubernetes launches a group"),
        ({"ARKOUDA_INSTANCE_NAME": "My_Group"}, "ARKOUDA_INSTANCE_NAME", "can't be a name"),
        ({"ARKOUDA_INSTANCE_NAME": ""}, "ARKOUDA_INSTANCE_NAME", "is missing"),
        ({"ARKOUDA_IMAGE": ""}, "ARKOUDA_IMAGE", "is missing"),
        ({"ARKOUDA_VERSION": ""}, "ARKOUDA_VERSION", "has no tag"),
        ({"ARKOUDA_MEMORY": "much"}, "ARKOUDA_MEMORY", "'much'"),
        ({"ARKOUDA_CPU_CORES": "-1"}, "ARKOUDA_CPU_CORES", "'-1'"),
        ({"ARKOUDA_UID": "0"}, "ARKOUDA_UID", "'0'"),
        ({"ARKOUDA_IMAGE_POLICY": "Sometimes"}, "ARKOUDA_IMAGE_POLICY", "'Sometimes'"),
        (
            {"ARKOUDA_PROMETHEUS_MATCH_LABEL": "kube stack"},
            "ARKOUDA_PROMETHEUS_MATCH_LABEL",
            "'kube stack'",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(
    changes: dict[str, str], field: str, said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said) as raised:
        parameters.group(variables(V26) | IMAGE | changes)
    assert raised.value.field == field
    assert raised.value.remedy


LOCALE_VALUES = """
imageRepository: bearsrus
releaseVersion: v2023.05.05
imagePullPolicy: IfNotPresent
resources:
  limits: {cpu: 1000m, memory: 1024Mi}
server:
  port:
  memTrack: true
  numLocales: 4
  threadsPerLocale: 4
external:
  persistence:
    enabled: false
    path: /arkouda-files
    hostPath: /mnt/arkouda
secrets: {tls: arkouda-tls, ssh: arkouda-ssh}
"""
SERVER_VALUES = """
resources:
  limits: {cpu: 1000m, memory: 1024Mi}
imageRepository: bearsrus
releaseVersion: v2023.05.05
imagePullPolicy: IfNotPresent
server:
  numLocales: 1
  authenticate: false
  verbose: true
  threadsPerLocale: 5
  memMax: 2000
  memTrack: true
  logLevel: LogLevel.DEBUG
  service: {type: ClusterIP, port: , nodeport: , name: }
locale: {appName: arkouda-locale, podMethod: GET_POD_IPS}
external:
  persistence:
    enabled: true
    path: /opt/locale
    hostPath: /mnt/arkouda
  k8sHost: https://192.168.49.2:8443
  namespace: arkouda
  service: {name: arkoudaserver, port: }
secrets: {tls: arkouda-tls, ssh: arkouda-ssh}
"""


def charts(folder: Path, locale: str, server: str) -> list[str]:
    """The option that names these two files."""
    (folder / "locale.yaml").write_text(locale)
    (folder / "server.yaml").write_text(server)
    return ["--charts", str(folder / "locale.yaml"), str(folder / "server.yaml")]


@pytest.mark.shows("K38")
def test_v23_each_disagreement_of_the_two_charts_is_said_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """D2, D3 and D4 in the sources' own example."""
    words = charts(tmp_path, LOCALE_VALUES, SERVER_VALUES)
    assert deploy.main(["show", "group", *words], IMAGE) == 2
    said = capsys.readouterr()
    assert not said.out
    for sentence in (
        "external.persistence.enabled is false for the locales and true for the server.",
        "external.persistence.path is /arkouda-files for the locales and /opt/locale for the",
        "threadsPerLocale is 4 for the locales and 5 for the server.",
        "ARKOUDA_TOTAL_NUMBER_OF_LOCALES is 1, but 4 and the server's own make 5.",
        "5 threads would share 1 core of a locale.",
        "CHPL_MEM_MAX counts bytes: 2000 is 1.95 KiB, and a locale has 1 GiB.",
    ):
        assert sentence in said.err
    assert len(said.err.strip().splitlines()) == 6


@pytest.mark.shows("K36", "K38")
def test_v23_corrected_the_two_charts_are_one_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    locale = LOCALE_VALUES.replace("threadsPerLocale: 4", "threadsPerLocale: 1")
    server = (
        SERVER_VALUES.replace("numLocales: 1", "numLocales: 5")
        .replace("threadsPerLocale: 5", "threadsPerLocale: 1")
        .replace("memMax: 2000", "memMax: 800000000")
        .replace(
            "type: ClusterIP, port: , nodeport: ", "type: NodePort, port: 6000, nodeport: 31055"
        )
        .replace("enabled: true", "enabled: false")
        .replace("/opt/locale", "/arkouda-files")
    )
    body, *_ = shown(capsys, "group", *charts(tmp_path, locale, server), environ=IMAGE)
    one = of_operator(body)
    assert (one.name, one.locales, one.cores, one.memory) == ("arkoudaserver", 5, 1, 2**30)
    words = pods.server(one, Setting("x:1"), [("a/0", "10.0.0.1")])["spec"]["containers"][1][
        "command"
    ]
    assert {"--ServerPort=6000", "--memMax=800000000", "--logLevel=LogLevel.DEBUG"} <= set(words)
    assert one.outside == {"type": "NodePort", "nodePort": 31055}
    assert body["spec"]["image"].endswith(":v2023.05.05")
    wrong = tmp_path / "locale.yaml"
    wrong.write_text("- no values")
    assert deploy.main(["show", "group", "--charts", str(wrong), str(wrong)], IMAGE) == 2
    assert "has no values" in capsys.readouterr().err


V35 = """
releaseVersion: 0.2.9
imagePullPolicy: IfNotPresent
server: {port: 5555, numLocales: 2, authenticate: false, verbose: false, memTrack: true}
resources:
  limits: {cpu: 2000m, memory: 2048Mi}
  requests: {cpu: 2000m, memory: 2048Mi}
threadsPerLocale: 4
external:
  persistence: {enabled: false, path: , hostPath: }
  certFile: /etc/ssl/arkouda/tls.crt
  keyFile: /etc/ssl/arkouda/tls.key
  k8sHost:
  namespace: arkouda
  externalServiceName: arkouda
  externalServicePort: 5555
"""


@pytest.mark.shows("K29", "K38")
@pytest.mark.parametrize("name", ["externalServiceName", "externalSystemName"])  # D17
def test_v35_two_locales_beside_the_server_are_three(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    locale = V35.replace("externalServiceName", name)
    words = charts(tmp_path, locale, locale.replace("numLocales: 2, ", ""))
    (body,) = shown(capsys, "group", *words, environ=IMAGE)
    one = of_operator(body)
    assert (one.name, one.namespace, one.locales, one.others) == ("arkouda", "arkouda", 3, 2)
    assert (one.cores, one.memory) == (2, 2048 * 2**20)
    locale_pod = pods.locales(one)["spec"]["template"]["spec"]["containers"][0]
    env = {v["name"]: v.get("value") for v in locale_pod["env"]}
    assert env["CHPL_RT_NUM_THREADS_PER_LOCALE"] == "4"
    assert locale_pod["image"].endswith(":0.2.9")


def test_all_that_is_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {"ARKOUDA_NUMBER_OF_LOCALES": "5", "CHPL_MEM_MAX": "2000"}
    with pytest.raises(InvalidFields) as raised:
        parameters.group(variables(V26) | IMAGE | wrong)
    fields = {one.field for one in raised.value.errors}
    assert fields == {"ARKOUDA_TOTAL_NUMBER_OF_LOCALES", "CHPL_MEM_MAX"}
    assert deploy.main(["show", "group"], variables(V26) | IMAGE | wrong) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) >= 2


@pytest.mark.shows("K29")
@pytest.mark.parametrize(
    ("given", "locales"),
    [
        ({}, 3),
        ({"ARKOUDA_NUMBER_OF_LOCALES": "4"}, 5),
        ({"ARKOUDA_TOTAL_NUMBER_OF_LOCALES": "1"}, 1),
        ({"ARKOUDA_NUMBER_OF_LOCALES": "0", "ARKOUDA_TOTAL_NUMBER_OF_LOCALES": "1"}, 1),
    ],
)
def test_one_of_the_two_numbers_is_enough(given: dict[str, str], locales: int) -> None:
    name = {"ARKOUDA_INSTANCE_NAME": "sums", "ARKOUDA_IMAGE": "arkouda:1"}
    assert parameters.group(name | given).locales == locales


def test_part_of_a_core_is_promised_and_one_thread_uses_it() -> None:
    name = {"ARKOUDA_INSTANCE_NAME": "sums", "ARKOUDA_IMAGE": "arkouda:1"}
    wanted = parameters.group(name | {"ARKOUDA_CPU_CORES": "1500m"})
    assert (wanted.cores, wanted.cpu, wanted.threads) == (2, "1500m", 2)
    (body,) = deployed.group(wanted)
    assert pods.locales(of_operator(body))["spec"]["template"]["spec"]["containers"][0][
        "resources"
    ]["requests"]["cpu"] == "1500m"  # fmt: skip


@pytest.mark.shows("K42", "K118")
def test_v29_is_an_exporter_that_prometheus_finds(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, "exporter", environ=variables(V29) | EXPORTER)
    deployment, service, monitor = found
    assert [one["kind"] for one in found] == ["Deployment", "Service", "ServiceMonitor"]
    for one in found:
        assert one["metadata"]["namespace"] == "arkouda"
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    words = container["command"]
    for word in (
        "--server=arkouda-metrics.arkouda:0",
        "--metrics=5556",
        "--name=arkouda-on-slurm",
        "--launcher=slurm",
    ):
        assert word in words
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert service["metadata"]["name"] == "arkouda-on-slurm-exporter"
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert monitor["metadata"]["labels"]["release"] == "kube-stack"
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert selected.items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_what_is_said_no_more_goes_from_what_is_there() -> None:
    given = variables(V26) | IMAGE
    (before, _), (after, _) = (
        deployed.group(parameters.group(one))
        for one in (given, given | {"CHPL_MEM_MAX": "", "CHPL_NUM_THREADS_PER_LOCALE": "1"})
    )
    there = {**before["spec"], "policy": "fail"}
    patch = deployed.replacing(there, after["spec"])
    assert patch["server"]["flags"] is None
    assert patch["server"]["env"] == {"CHPL_RT_NUM_THREADS_PER_LOCALE": "1"}
    assert patch["policy"] is None  # which the definition fills in again
    assert deployed.replacing(before["spec"], before["spec"]) == before["spec"]


def test_a_token_comes_by_a_secret_and_stands_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    more = {"ARKOUDA_TOKEN_SECRET": "slurm-token", "ARKOUDA_SERVICE_PORT": "5555"}
    deployment, *_ = shown(capsys, "exporter", environ=variables(V29) | EXPORTER | more)
    spec = deployment["spec"]["template"]["spec"]
    words = spec["containers"][0]["command"]
    assert "--server=arkouda-metrics.arkouda:5555" in words
    assert "--token-file=/alongside/secrets/token" in words
    assert {"name": "token", "secret": {"secretName": "slurm-token"}} in spec["volumes"]
    wanted = parameters.group(variables(V26) | IMAGE)
    secret = deployed.token(wanted, "abc")
    assert secret["metadata"]["name"] == "arkouda-on-k8s-token"
    assert "abc" not in json.dumps(deployed.group(wanted))


@pytest.mark.shows("K73")
def test_v28_a_name_and_a_namespace_are_enough_to_remove_it() -> None:
    given = {"ARKOUDA_NAMESPACE": "arkouda", "ARKOUDA_INSTANCE_NAME": "arkouda-on-k8s"}
    assert parameters.removal("group", given) == ("arkouda-on-k8s", "arkouda-on-k8s", "arkouda")
    slurm = {
        "ARKOUDA_EXPORTER_NAMESPACE": "arkouda",
        "ARKOUDA_EXPORTER_SERVICE_NAME": "arkouda-on-slurm-exporter",
    }
    name = "arkouda-on-slurm-exporter"
    assert parameters.removal("exporter", slurm) == (name, name, "arkouda")
    with pytest.raises(InvalidRequest, match="ARKOUDA_INSTANCE_NAME is missing"):
        parameters.removal("group", {})


@pytest.mark.parametrize("what", ["group", "exporter"])
def test_the_workflows_among_the_examples_say_what_is_read(what: str) -> None:
    for action, word in (("deploy", "up"), ("delete", "down")):
        flow = read_workflow(ROOT / "examples" / "arkouda" / f"{action}-{what}.yaml")
        (step,) = flow.steps
        words = [word.format(**flow.parameters) for word in step.command or ()]
        assert words[:5] == ["python", "-m", "alongside_operator.deploy", word, what]
        options = vars(deploy._parsed(words[3:]))
        given = {name: text for name, text in options.items() if name in NAMES and text}
        found = parameters.removal(what, given)
        assert (found[0], found[2]) == (flow.parameters["name"], flow.parameters["namespace"])
        if action == "deploy":
            wanted = parameters.group(given) if what == "group" else parameters.exporter(given)
            assert wanted.name == flow.parameters["name"]


def test_the_guide_names_what_is_read() -> None:
    page = (ROOT / "docs" / "how-to" / "arkouda-on-kubernetes.md").read_text(encoding="utf-8")
    (block,) = (part for part in page.split("```") if part.startswith("sh\nexport ARKOUDA_"))
    lines = [line.removeprefix("export ") for line in block.splitlines() if "export" in line]
    given = {name: text.strip('"') for name, _, text in (line.partition("=") for line in lines)}
    assert set(given) <= set(NAMES)
    assert parameters.group(given).locales == 3
