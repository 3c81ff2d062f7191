"""Labels without an expert: threshold, components, k-means and morphology (DRSegUNet)."""
