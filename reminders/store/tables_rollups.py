"""The tables of what the no-show report counts from."""
