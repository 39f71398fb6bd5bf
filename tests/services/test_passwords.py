"""Passwords are kept as a hash that is dear to guess, and nobody's costs as much as anybody's."""

import json
import subprocess
import sys

from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from reminders.services.passwords import hash_of, matches

# The tests' own process has a cheap hasher (conftest.py); this is what is installed.
INSTALLED = """
import json
from reminders.services import passwords
kept = passwords.hash_of("une phrase que je retiens")
real, compared = passwords.hasher, []
class Noted:
    def __getattr__(self, name):
        return getattr(real, name)
    def verify(self, kept, typed):
        compared.append(kept)
        return real.verify(kept, typed)
passwords.hasher = Noted()
told = [passwords.matches(kept, "une phrase que je retiens"), passwords.matches(kept, "une autre"),
        passwords.matches("", ""), passwords.matches("", "une phrase que je retiens")]
print(json.dumps([told, compared]))
"""


def test_what_is_installed_hashes_as_rfc_9106_says_and_compares_nobodys_alike() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", INSTALLED], capture_output=True, text=True, check=True
    )
    told, compared = json.loads(ran.stdout)
    assert told == [True, False, False, False]
    assert len(compared) == 4
    assert [extract_parameters(one) for one in compared] == [RFC_9106_LOW_MEMORY] * 4


def test_a_password_is_never_kept_and_two_hashes_of_one_differ() -> None:
    kept = {hash_of("une phrase que je retiens") for _ in range(2)}
    assert len(kept) == 2
    assert not any("phrase" in one for one in kept)


def test_what_is_no_hash_is_nobodys_password() -> None:
    assert not matches("$argon2id$broken", "une phrase que je retiens")
