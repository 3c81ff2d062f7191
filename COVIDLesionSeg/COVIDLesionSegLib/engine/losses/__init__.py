"""The papers' loss functions."""
