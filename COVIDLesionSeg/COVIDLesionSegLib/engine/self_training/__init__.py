"""Training on predictions, pseudo-labels and corrections, where experts' masks are rare."""
