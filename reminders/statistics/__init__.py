"""Pure numbers, each function with its source."""
