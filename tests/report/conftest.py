"""The run directory that most tests of the page look at."""

import pytest
from report.made import make_run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "beta 4 <b>", beta=4.0)
