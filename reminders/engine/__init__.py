"""What wakes the services: a bell, never the truth."""
