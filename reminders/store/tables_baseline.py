"""The tables of what happened before the programme."""
