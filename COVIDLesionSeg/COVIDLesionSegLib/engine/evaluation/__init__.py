"""Models against experts: labelled data in, scores with their protocol out."""
