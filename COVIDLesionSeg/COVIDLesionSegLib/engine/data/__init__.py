"""Labelled slices and CTs: one type, its files, splits by patient."""
