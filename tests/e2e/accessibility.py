"""What axe finds on the page that a browser shows (https://github.com/dequelabs/axe-core)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Final

# Each rule of WCAG 2.2 AA and of good practice that axe has.
RUN: Final = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
  (found) => done(found.violations.map((one) => [
    one.id, one.impact, one.help,
    one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.html.slice(0, 160)}`),
  ])),
  (error) => done([["axe", "critical", String(error), []]]),
);
"""


@cache
def _axe() -> str:
    package = resources.files("selenium_axe_python")
    return (package / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def find_barriers(browser: Any) -> list[str]:
    """Return what axe finds on the page, of whatever impact: the rule, its impact and words, and the first places."""
    browser.execute_script(_axe())
    found = browser.execute_async_script(RUN)
    browser.get_log("browser")  # what the policy refused to axe is no fault of the page
    return [f"{rule} ({impact}): {words}\n  " + "\n  ".join(places) for rule, impact, words, places in found]
