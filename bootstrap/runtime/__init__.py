"""The machine and its notebook."""
