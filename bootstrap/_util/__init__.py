"""Small helpers that several packages share; they import the standard library only."""
