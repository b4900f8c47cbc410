"""The rules of a check: what each finds wrong in itself, as candidates for a cause."""
