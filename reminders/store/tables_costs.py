"""The tables of what things cost, the calls, and the months that are closed."""
