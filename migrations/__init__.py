"""Alembic migrations, numbered, additive first."""
