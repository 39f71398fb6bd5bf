"""The tables of what the reports are computed from."""
