"""Faults of every kind that numpy meets, injected for real, and who notices them.

``environments`` makes the healthy environments and throw-away copies of them, ``library`` and ``running`` damage
these, ``peers`` are the checks that people use instead, ``trial`` runs one fault through all of them, and
``python -m tests.faults.table`` writes the table of docs/faults.md.
"""
