"""A hospital whose patients forget, answer and cancel, and its DPI and providers."""
