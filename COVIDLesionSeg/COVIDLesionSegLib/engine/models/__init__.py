"""The model catalogue: networks, preprocessing, weights, licences and scores, as data."""
