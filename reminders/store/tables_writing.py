"""The tables of messages written to the patients of a day and an agenda."""
