"""A conda environment on disk: restore it from a lock, compare it with one, verify its files."""
