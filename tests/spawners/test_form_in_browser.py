"""The form in a real Chromium, on the hub's own page: by role and label, by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.spawners.live_hub import LiveHubWithService, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def page(hub: LiveHubWithService) -> Iterator[Any]:
    """The form's page, after a login; what the page complains of is an error."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1120, "height": 900})
        page.set_default_timeout(15_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{hub.url}/hub/login")
        page.get_by_label("Username").fill("iris")
        page.get_by_label("Password:").fill("x")
        page.get_by_role("button", name="Sign in").click()
        yield page
        browser.close()
        assert complaints == []


@pytest.fixture
def form(page: Any, hub: LiveHubWithService) -> Any:
    """The form as it is when it has just been opened."""
    page.goto(f"{hub.url}/hub/spawn")
    page.get_by_role("heading", name="Start a session").wait_for()
    return page


@pytest.mark.shows("T21", "T22")
def test_what_one_will_get_is_shown_before_it_is_started(form: Any) -> None:
    form.get_by_label("Workers", exact=True).fill("3")
    form.get_by_label("Memory each").fill("1 GiB")
    summary = form.get_by_role("complementary", name="Summary")
    assert "3 \u00d7 (1 core · 1 GiB)" in summary.inner_text()
    assert "4 cores · 4 GiB" in summary.inner_text()
    assert "0 used + 3 of 64" in summary.inner_text()


@pytest.mark.shows("T32")
def test_it_says_when_the_session_ends(form: Any) -> None:
    summary = form.get_by_role("complementary", name="Summary")
    sentence = "Session ends after 2 h without use, at the latest after 5 d."
    assert sentence in summary.inner_text()
    form.get_by_role("radio", name="Notebook only").check()
    assert "Session ends" not in summary.inner_text()


@pytest.mark.shows("T40")
def test_a_wrong_value_says_so_beside_it_and_start_waits(form: Any) -> None:
    workers = form.get_by_label("Workers", exact=True)
    start = form.get_by_role("button", name="Start", exact=True)
    workers.fill("9")
    assert form.get_by_role("alert").filter(has_text="Choose at most 4.").is_visible()
    assert workers.get_attribute("aria-invalid") == "true"
    assert start.is_disabled()
    workers.fill("2")
    assert workers.get_attribute("aria-invalid") is None
    assert start.is_enabled()
    form.get_by_label("Memory each").fill("lots")
    assert form.get_by_role("alert").filter(has_text="Write an amount with a unit").is_visible()


@pytest.mark.shows("K15")
def test_fixed_and_adaptive_show_only_their_own_fields(form: Any) -> None:
    assert not form.get_by_label("At most", exact=True).is_visible()
    form.get_by_role("radio", name="Adaptive").check()
    assert form.get_by_label("At most", exact=True).is_visible()
    assert not form.get_by_label("Workers", exact=True).is_visible()


def test_only_what_the_profile_offers_can_be_chosen(form: Any) -> None:
    form.get_by_role("radio", name="Notebook only").check()
    assert form.get_by_role("radio", name="Dask cluster").is_disabled()
    assert form.get_by_role("radio", name="Nothing", exact=True).is_checked()
    assert form.get_by_text("The session starts alone.").is_visible()


@pytest.mark.shows("K1", "T21")
def test_a_session_is_started_by_keyboard_alone(form: Any, hub: LiveHubWithService) -> None:
    form.get_by_role("radio", name="Small").focus()
    seen = []
    for _ in range(40):
        seen.append(form.evaluate("document.activeElement.textContent.trim()"))
        if seen[-1] == "Start":
            break
        form.keyboard.press("Tab")
    assert seen[-1] == "Start", seen
    form.keyboard.press("Enter")
    until(lambda: hub.servers("iris").get("", {}).get("ready"), "the session is ready")
    hub.stop("iris")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_both_themes_and_on_a_narrow_screen(form: Any, theme: str) -> None:
    form.evaluate(f"document.documentElement.dataset.bsTheme = '{theme}'")
    form.set_viewport_size({"width": 340, "height": 900})
    wide = form.evaluate("document.documentElement.scrollWidth")
    form.set_viewport_size({"width": 1120, "height": 900})
    assert wide <= 340
    ratios = form.evaluate(CONTRASTS)
    assert min(ratios.values()) >= 4.5, ratios


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
  };
  const light = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const grounds = (element) => {
    const found = [];
    for (let one = element; one; one = one.parentElement) {
      found.unshift(getComputedStyle(one).backgroundColor);
    }
    return found;
  };
  const found = {};
  const parts = ["h1", "p", "legend", "strong", "small", "label", "dt", "dd", "button", "span"];
  for (const element of document.querySelectorAll(parts.map((p) => `#alongside ${p}`).join())) {
    const off = !element.offsetParent || element.closest(":has(> [disabled])");
    if (off || !element.textContent.trim()) continue;
    const ground = grounds(element);
    const a = light(over(ground));
    const b = light(over([...ground, getComputedStyle(element).color]));
    const name = element.textContent.trim().slice(0, 30);
    found[name] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  return found;
}"""
