"""Shipped message texts and pages."""
