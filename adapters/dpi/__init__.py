"""DPI adapters: appointments come in."""
