"""Detection of lesions one by one, and of a slice's class, by the one-shot affinity model."""
