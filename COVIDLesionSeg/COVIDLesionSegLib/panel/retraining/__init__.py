"""Parts of the section Retrain: what is learned from, what came out, what becomes of it."""
