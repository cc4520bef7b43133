"""Parts of a running suite die, hang and come back."""

import pytest

pytest.register_assert_rewrite("tests.faults.load", "tests.faults.strikes", "tests.faults.verdict")
