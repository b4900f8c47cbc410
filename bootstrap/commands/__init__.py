"""The commands: one module each, with its options and how its result is shown."""
