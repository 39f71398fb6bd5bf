"""The staff's pages: one module a subject, each exporting its ROUTES."""
