"""SMS providers, both directions."""
