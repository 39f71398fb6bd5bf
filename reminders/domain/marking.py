"""Sentences of tables and rules that the staff's pages translate where they show them."""


def N_(sentence: str) -> str:
    """Mark a sentence for the catalogues (templates/locale); it stays the French one here."""
    return sentence
