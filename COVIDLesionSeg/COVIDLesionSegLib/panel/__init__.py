"""The panel in Slicer: the only floor with qt, ctk and views. Thin: it asks, starts and shows."""
