"""The order of the tests."""


def pytest_collection_modifyitems(items):
    """Files with a slow test come first: one that began last would leave the other processes without work."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
