"""References, keys, masks: what names a message without telling whom it is for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.mask import mask_address, mask_email, mask_phone
from reminders.domain.outbox import (
    FAILED,
    LEFT,
    RANK,
    REFERENCES,
    UNSENT,
    State,
    dedupe_key,
    reference,
)


@given(st.integers(0, REFERENCES - 1))
def test_a_reference_is_seventeen_letters_and_digits(entropy: int) -> None:
    assert re.fullmatch(r"[0-9A-Za-z]{17}", reference(entropy))


@given(st.sets(st.integers(0, REFERENCES - 1), max_size=50))
def test_two_references_of_two_numbers_differ(numbers: set[int]) -> None:
    assert len({reference(number) for number in numbers}) == len(numbers)


def test_a_reference_holds_a_hundred_bits() -> None:
    assert REFERENCES > 2**100
    assert reference(0) == "0" * 17
    assert reference(REFERENCES - 1) == "z" * 17


def test_a_key_names_its_kind_and_every_part() -> None:
    assert dedupe_key("reminder", 7, "J-3", 2, "sms") == "reminder:7:J-3:2:sms"


def test_every_state_has_one_place_in_a_messages_life() -> None:
    assert not UNSENT & LEFT
    assert not UNSENT & FAILED
    assert not LEFT & FAILED
    assert set(State) == UNSENT | LEFT | FAILED


def test_receipts_rank_as_the_design_says() -> None:
    ranked = sorted(RANK, key=RANK.__getitem__)
    assert ranked == [
        State.SENDING,
        State.UNKNOWN,
        State.ACCEPTED,
        State.UNDELIVERED,
        State.DELIVERED,
    ]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+33639980012", "06 •• •• •• 12"),
        ("+262692123456", "+262 •••• 56"),
        ("+32470123456", "+324 •••• 56"),
        ("123", "••••"),
        ("", "••••"),
        ("lea.test@example.org", "l•••@example.org"),
        ("@example.org", "•••@example.org"),
    ],
)
def test_an_address_is_shown_to_be_recognised_not_used(address: str, shown: str) -> None:
    assert mask_address(address) == shown


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_a_masked_number_hides_most_of_its_digits(number: str) -> None:
    shown = re.sub(r"\D", "", mask_phone(number))
    assert len(shown) <= 5
    assert number[1:] not in shown


@given(st.emails())
def test_a_masked_address_hides_who(address: str) -> None:
    local = address.partition("@")[0]
    shown = mask_email(address)
    assert shown.startswith(f"{local[:1]}•••@")
    if len(local) > 1:
        assert local not in shown.partition("@")[0]
