"""The catalogue of an export: the tables of rollups."""

from reminders.store.catalogue import Table

ROLLUPS: tuple[Table, ...] = ()
