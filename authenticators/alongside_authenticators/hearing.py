"""What the portal says in a request: found out once, and taken out of the request with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from alongside_authenticators.arrivals import Arrival
from alongside_authenticators.assertions import Check
from alongside_authenticators.refusals import Misconfigured, Refused


async def heard(
    request: Any, check: Check, names: Iterable[str], log: Any
) -> Mapping[str, Any] | None:
    """What the portal says by this request of tornado's, None for nothing. Refused if it isn't
    good.

    names : of headers that are taken out beside the check's own, so that no log has them
    """
    if not hasattr(request, "alongside_said"):
        try:
            request.alongside_said = await check.said(Arrival.of(request))
        except Refused as refusal:
            request.alongside_said = refusal
        except Misconfigured as error:
            log.critical("%s", error)
            request.alongside_said = Refused(
                503, "KeysUnreachable", "The hub has lost its keys. Tell its operator."
            )
        for name in (check.header, *names):
            request.headers.pop(name, None)
    outcome = request.alongside_said
    if isinstance(outcome, Refused):
        raise outcome
    return cast("Mapping[str, Any] | None", outcome)
