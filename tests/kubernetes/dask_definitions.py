"""The definitions of the Dask operator's resources, from its own distribution."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import ApiextensionsV1Api
from kubernetes_asyncio.config import new_client_from_config
from ruamel.yaml import YAML

from tests.kubernetes import watching

CHART = "operator/deployment/helm/dask-kubernetes-operator"


def definitions() -> list[dict[str, Any]]:
    """As the operator's chart has them."""
    package = find_spec("dask_kubernetes")  # found, not imported
    assert package
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0], CHART, "crds")
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.yaml"))]
    return [one for text in texts for one in YAML(typ="safe").load_all(text) if one]


async def install(kubeconfig: str) -> None:
    """Have them in a cluster; returns when objects of them can be made."""
    async with await new_client_from_config(kubeconfig, persist_config=False) as api:
        extensions = ApiextensionsV1Api(api)
        for one in definitions():
            name = one["metadata"]["name"]
            await extensions.patch_custom_resource_definition(
                name,
                one,
                field_manager="alongside-tests",
                force=True,
                _content_type="application/apply-patch+yaml",
            )
            await watching.until(
                extensions.list_custom_resource_definition,
                field_selector=f"metadata.name={name}",
                condition=lambda one: any(
                    c.type == "Established" and c.status == "True"
                    for c in one.status.conditions or []
                ),
            )
