"""What is written down of a run: what was asked for, and what has come of it. Pure.

The record is the run's truth and owns all else; whoever deletes it deletes the run. A verdict says
how one of its parts has ended: whoever deletes that part's Workflow afterwards, be it Argo itself
when its time is over, changes nothing of what has been.
"""

from __future__ import annotations

import base64
import gzip

from alongside.platforms.kubernetes.resources import CONFIG_MAPS, Object
from alongside_workflows.executors.argo.fitting import fitting
from alongside_workflows.executors.argo.naming import (
    RECORD_COMPONENT,
    metadata_of,
    record_name,
    verdict_name,
)
from alongside_workflows.runs import RunSpec, RunStatus

_SPEC, _STATUS = "spec", "status"


def record(spec: RunSpec) -> Object:
    """The ConfigMap that is the run's truth. Raises InvalidRequest."""
    metadata = metadata_of(record_name(spec.id), spec, RECORD_COMPONENT)
    text = spec.model_dump_json(exclude_defaults=True)
    return fitting(_config_map(metadata, _SPEC, text), "The workflow")


def parse_record(item: Object) -> RunSpec:
    """The specification in a record. Raises ValueError when that has been spoilt."""
    return RunSpec.model_validate_json(_text(item, _SPEC))


def verdict(spec: RunSpec, part: int, status: RunStatus) -> Object:
    """The ConfigMap that says how the run stood when this part had ended. Raises InvalidRequest."""
    metadata = metadata_of(verdict_name(spec.id, part), spec, RECORD_COMPONENT, part)
    text = status.model_dump_json(exclude_defaults=True)
    return fitting(_config_map(metadata, _STATUS, text), "What has come of the run")


def parse_verdict(item: Object) -> RunStatus:
    """The status in a verdict. Raises ValueError when that has been spoilt."""
    return RunStatus.model_validate_json(_text(item, _STATUS))


def _config_map(metadata: Object, key: str, text: str) -> Object:
    packed = gzip.compress(text.encode(), mtime=0)
    return {
        "apiVersion": CONFIG_MAPS.version,
        "kind": "ConfigMap",
        "immutable": True,
        "metadata": metadata,
        "binaryData": {key: base64.b64encode(packed).decode()},
    }


def _text(item: Object, key: str) -> bytes:
    try:
        return gzip.decompress(base64.b64decode(item["binaryData"][key]))
    except (KeyError, TypeError, OSError, EOFError) as error:
        raise ValueError("the record can't be read") from error


__all__ = ["parse_record", "parse_verdict", "record", "verdict"]
