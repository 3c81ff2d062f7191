"""Results in Slicer's scene: nodes in, nodes out. MRML only; no Qt, no torch."""
