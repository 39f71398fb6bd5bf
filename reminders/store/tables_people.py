"""The tables of notes on patients and the recipients staff chose for them."""
