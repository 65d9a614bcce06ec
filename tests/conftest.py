"""The order of the tests, and which of them one process does."""

import pytest

SHARED = "publish"
"""A folder whose files share what is made once: its runs and bundles."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own
def pytest_collection_modifyitems(config, items):
    """Files with a slow test come first: one that began last would leave the other processes without work. A file's
    tests are done by one process, which makes its fixtures once."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    for item in items:
        _, *where = item.path.relative_to(config.rootpath).with_suffix("").parts
        item.add_marker(pytest.mark.xdist_group(SHARED if SHARED in where else ".".join(where)))
