"""What all tests share: assertions in helper modules explain themselves, and property tests repeat exactly."""

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.contract", "tests.hazards")

# Shared machines make deadlines flaky; fixed seeds make a failure on one machine a failure on every other.
settings.register_profile("yolosses", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("yolosses")
