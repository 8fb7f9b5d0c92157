"""Backends as objects of a Kubernetes cluster."""

from alongside.platforms.kubernetes.platform import KubernetesPlatform

__all__ = ["KubernetesPlatform"]
