"""Programs that raise are run by tests/test_errors.py, not collected."""

collect_ignore_glob = ["*.py"]
