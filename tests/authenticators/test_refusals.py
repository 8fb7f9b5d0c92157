"""What somebody reads who isn't let in."""

from __future__ import annotations

from alongside_authenticators.refusals import Refused


def test_the_page_has_the_sentence_once_and_the_log_has_the_word_as_well() -> None:
    refused = Refused(401, "NotByThePortal", "Sign in there, and come back by it.")
    # the hub makes a heading of the status and the reason, and a paragraph of its message
    assert refused.reason == "Unauthorized"
    assert refused.jupyterhub_message == "Sign in there, and come back by it."
    assert str(refused).endswith("NotByThePortal: Sign in there, and come back by it.)")
