"""Pages, provider callbacks, health and metrics."""
