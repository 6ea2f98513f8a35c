"""What all tests share with pytest itself: the one option of ours."""

from __future__ import annotations

import hypothesis
import pytest

# A busy machine is no defect of what is tested: no test is timed.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

pytest.register_assert_rewrite("tests.goldens", "tests.scenario")


def pytest_addoption(parser: pytest.Parser) -> None:
    text = (
        "write the expected files of tests/scenarios and tests/goldens anew; read the difference before you commit it"
    )
    parser.addoption("--update-goldens", action="store_true", help=text)
