"""An environment in one file: its lock, its packages' archives, and what each file of it is."""
