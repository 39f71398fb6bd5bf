"""The rules of signing in: which passwords, how many tries, how long a session lasts.

Lengths and tries follow the CNIL's recommendation on passwords (délibération 2022-100: twelve
characters where tries are limited, no forced renewal) and OWASP ASVS 5.0 §6 and §7.
"""

from dataclasses import dataclass
from datetime import timedelta

from reminders.domain.marking import N_, filled

SHORTEST = 12
LONGEST = 128  # hashing an endless text is an attack
TRIES = 5  # in a row
LOCKED = timedelta(minutes=15)
CODE_LASTS = timedelta(hours=48)  # of a first sign-in or a reset
SECOND_FACTOR_WAITS = timedelta(minutes=10)
STEP_SECONDS = 30  # of a time-based code (RFC 6238)
SPOKEN = ("fr", "en")  # languages the pages speak; a new account starts with the first
COMMON = ("motdepasse", "password", "azerty", "qwerty", "123456", "hopital", "bonjour", "soleil")


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session lasts: without being used, and in all."""

    idle: timedelta = timedelta(minutes=60)
    most: timedelta = timedelta(hours=12)


def password_problem(password: str, login: str) -> str:
    """Why a password cannot be taken, as a sentence; "" if it can."""
    plain = password.lower()
    if len(password) < SHORTEST:
        return filled(
            N_("Il faut %(least)s caractères au moins : une phrase convient très bien."),
            least=SHORTEST,
        )
    if len(password) > LONGEST:
        return filled(N_("Il faut %(most)s caractères au plus."), most=LONGEST)
    if login.lower() in plain:
        return N_("Le mot de passe ne doit pas contenir l’identifiant.")
    left = plain
    for word in COMMON:
        left = left.replace(word, "")
    if len(set(plain)) < 5 or len(left) < 4:
        return N_("Ce mot de passe est trop facile à deviner : choisir une phrase à soi.")
    return ""


def locks(failures: int) -> bool:
    """Does this failure, the nth in a row, lock the account for a while?"""
    return failures >= TRIES
