"""A hospital whose patients forget, answer and cancel, and providers that speak the real protocols."""
