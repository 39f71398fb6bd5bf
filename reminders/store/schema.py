"""All tables of this release: importing this module is what puts them into the metadata."""

from reminders.store import (  # noqa: F401
    tables,
    tables_accounts,
    tables_answers,
    tables_baseline,
    tables_costs,
    tables_people,
    tables_reports,
    tables_rollups,
    tables_services,
    tables_templates,
    tables_writing,
)
from reminders.store.columns import metadata

__all__ = ["metadata"]
