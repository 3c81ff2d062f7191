"""How fast is it, beside what else could be done: ``python -m benchmarks --help``."""
