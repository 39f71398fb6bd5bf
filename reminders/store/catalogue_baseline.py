"""The catalogue of an export: the tables of baseline."""

from reminders.store.catalogue import Table

BASELINE: tuple[Table, ...] = ()
