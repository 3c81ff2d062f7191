"""Slicer's own MRML without the Slicer application, for the command line and the tests."""
