"""The suites here run inside the Slicer application only, see run.py."""

collect_ignore_glob = ["test_*.py"]
