"""The tables of services, protocols and preparation sheets edited on the pages."""
