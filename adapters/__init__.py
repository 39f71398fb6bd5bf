"""The outside: one provider one file, both directions."""
