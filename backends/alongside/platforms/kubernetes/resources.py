"""The sorts of objects of a cluster that we know of. An object is a plain dict."""

from __future__ import annotations

from typing import Any, NamedTuple

Object = dict[str, Any]


class Resource(NamedTuple):
    """A sort of object: ``apiVersion`` and the plural in URLs."""

    version: str
    plural: str


CONFIG_MAPS = Resource("v1", "configmaps")
SECRETS = Resource("v1", "secrets")
SERVICES = Resource("v1", "services")
PODS = Resource("v1", "pods")
EVENTS = Resource("v1", "events")
QUOTAS = Resource("v1", "resourcequotas")
DEPLOYMENTS = Resource("apps/v1", "deployments")
POLICIES = Resource("networking.k8s.io/v1", "networkpolicies")
LEASES = Resource("coordination.k8s.io/v1", "leases")
ENDPOINT_SLICES = Resource("discovery.k8s.io/v1", "endpointslices")
DASK_CLUSTERS = Resource("kubernetes.dask.org/v1", "daskclusters")
ARKOUDA_CLUSTERS = Resource("alongside.jupyter.org/v1alpha1", "arkoudaclusters")
