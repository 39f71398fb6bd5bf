"""Addresses as a screen or a report may show them: enough to recognise, not to use."""


def mask_phone(number: str) -> str:
    """+33639980012 -> 06 •• •• •• 12; a foreign number keeps its country and two last digits."""
    if number.startswith("+33") and len(number) == 12:
        return f"0{number[3]} •• •• •• {number[-2:]}"
    return f"{number[:4]} •••• {number[-2:]}" if len(number) > 6 else "••••"


def mask_email(address: str) -> str:
    """lea.test@example.org -> l•••@example.org"""
    local, _, domain = address.partition("@")
    return f"{local[:1]}•••@{domain}" if domain else "•••"


def mask_address(address: str) -> str:
    return mask_email(address) if "@" in address else mask_phone(address)
