"""Synthetic lesions: those of infected slices, pasted into healthy lungs (COVID-Rate)."""
