"""Appointment reminders and no-show reports for hospitals."""

__version__ = "0.1.0"
