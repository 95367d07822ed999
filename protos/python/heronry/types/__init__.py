"""Plain values and errors; needs NumPy only."""
