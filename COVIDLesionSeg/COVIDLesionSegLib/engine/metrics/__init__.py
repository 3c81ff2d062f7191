"""Measures of how well predicted lesions agree with an expert's.

What is undefined is None, never 0: a precision without a prediction, a sensitivity without a
lesion, a Dice without either.
"""
