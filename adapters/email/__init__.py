"""E-mail, both directions."""
