"""Counts the conformance cases and prints the counts at the end of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from test_conformance import Tally

_TALLY = pytest.StashKey["Tally"]()


@pytest.fixture(scope="session")
def conformance(request: pytest.FixtureRequest) -> Tally:
    from test_conformance import Tally

    return request.config.stash.setdefault(_TALLY, Tally())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash.get(_TALLY, None)
    if tally is None:
        return
    counts = tally.counts
    terminalreporter.section("conformance")
    terminalreporter.line(
        f"{counts['supported']} cases supported, {counts['passed']} passed, "
        f"{counts['unsupported']} not supported, {counts['disputed']} disputed and skipped"
    )
    for group, reason in tally.reasons.items():
        terminalreporter.line(f"not supported: {group}: {reason}")
