"""The catalogue of an export: the tables of costs."""

from reminders.store.catalogue import Table

COSTS: tuple[Table, ...] = ()
