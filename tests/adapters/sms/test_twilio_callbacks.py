"""Twilio's callbacks: only what Twilio signed is believed."""

import hashlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from adapters.sms.twilio import create
from reminders.errors import Forged
from reminders.ports import Callback, InboundSms, Receipt, ReceiptState, Received, Wiring

TOKEN = "s3cr3t"
BASE = "https://rdv.example.org/callbacks/s3cr3t"
SENDER = create(
    {"account_sid": "AC" + "1" * 32, "auth_token": TOKEN, "sender": "+33939010203"},
    Wiring("main", callback_url=BASE),
)
STATUS_URL = f"{BASE}/status?ref=A1b2C3d4E5f6G7h8I"
STATUS = [("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "+33639980001")]
Form = list[tuple[str, str]]


class Repeated(dict[str, str]):
    """A form as the official validator reads it when a name may be repeated."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._form = form

    def getlist(self, name: str) -> list[str]:
        return [value for each, value in self._form if each == name]


def official_signature(url: str, form: Form, token: str = TOKEN) -> str:
    return str(RequestValidator(token).compute_signature(url, Repeated(form)))


def callback(url: str, form: Form, signature: str | None = None, method: str = "POST") -> Callback:
    told = official_signature(url, form) if signature is None else signature
    return Callback(method, url, {"x-twilio-signature": told}, urlencode(form).encode())


def test_a_signed_receipt_carries_our_reference() -> None:
    assert SENDER.receive(callback(STATUS_URL, STATUS)) == Received(
        receipts=(
            Receipt(
                event="SM1:delivered",
                state=ReceiptState.DELIVERED,
                reference="A1b2C3d4E5f6G7h8I",
                provider_id="SM1",
            ),
        )
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", ReceiptState.ACCEPTED),
        ("accepted", ReceiptState.ACCEPTED),
        ("sending", ReceiptState.ACCEPTED),
        ("sent", ReceiptState.ACCEPTED),
        ("delivered", ReceiptState.DELIVERED),
        ("undelivered", ReceiptState.UNDELIVERED),
        ("failed", ReceiptState.UNDELIVERED),
        ("canceled", ReceiptState.UNDELIVERED),
        ("partially_delivered", ReceiptState.UNKNOWN),
        ("teleported", ReceiptState.UNKNOWN),
    ],
)
def test_each_of_their_words_becomes_one_of_ours(status: str, state: ReceiptState) -> None:
    form = [("MessageSid", "SM1"), ("MessageStatus", status)]
    (receipt,) = SENDER.receive(callback(STATUS_URL, form)).receipts
    assert (receipt.state, receipt.event) == (state, f"SM1:{status}")


def test_a_word_we_do_not_know_is_kept() -> None:
    form = [("MessageSid", "SM1"), ("MessageStatus", "teleported")]
    assert SENDER.receive(callback(STATUS_URL, form)).receipts[0].code == "teleported"


@pytest.mark.parametrize(
    ("code", "opted_out", "bad_recipient"),
    [
        ("21610", True, False),
        ("30003", False, False),
        ("30004", False, False),
        ("30005", False, True),
        ("30006", False, True),
        ("30007", False, False),
        ("30008", False, False),
    ],
)
def test_a_code_tells_whether_the_number_or_the_patient_refuses(
    code: str, opted_out: bool, bad_recipient: bool
) -> None:
    form = [("MessageSid", "SM1"), ("MessageStatus", "undelivered"), ("ErrorCode", code)]
    (receipt,) = SENDER.receive(callback(STATUS_URL, form)).receipts
    assert (receipt.code, receipt.opted_out, receipt.bad_recipient) == (
        code,
        opted_out,
        bad_recipient,
    )


def test_a_reply_has_twilio_s_id_and_the_patient_s_words() -> None:
    form = [
        ("MessageSid", "SM2"),
        ("SmsStatus", "received"),
        ("From", "+33639980001"),
        ("To", "+33939010203"),
        ("Body", " Oui, j’y serai ! 👍\nMerci"),
        ("NumMedia", "0"),
    ]
    (reply,) = SENDER.receive(callback(f"{BASE}/inbound", form)).replies
    assert reply == InboundSms("SM2", "+33639980001", "+33939010203", " Oui, j’y serai ! 👍\nMerci")


def test_an_empty_reply_is_a_reply() -> None:
    form = [("MessageSid", "SM2"), ("From", "+33639980001"), ("Body", "")]
    assert SENDER.receive(callback(f"{BASE}/inbound", form)).replies[0].text == ""


@pytest.mark.parametrize(
    ("told", "block"),
    [("STOP", "set"), ("START", "lifted"), ("HELP", ""), ("", ""), ("stop", "set"), ("?", "")],
)
def test_what_twilio_did_to_its_own_list_is_told(told: str, block: str) -> None:
    """CANCEL, END and QUIT are a stop to Twilio, whatever they are to us."""
    form = [("MessageSid", "SM2"), ("From", "+33639980001"), ("Body", "CANCEL")]
    form += [("OptOutType", told)] if told else []
    assert SENDER.receive(callback(f"{BASE}/inbound", form)).replies[0].block == block


def test_something_else_that_twilio_signed_is_nothing_to_us() -> None:
    assert SENDER.receive(callback(f"{BASE}/other", [("CallSid", "CA1")])) == Received()


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
forms = st.lists(st.tuples(names, st.text(st.characters(codec="utf-8"), max_size=20)), max_size=6)
queries = st.dictionaries(names, names, max_size=2).map(urlencode)


@given(forms, queries)
def test_what_the_official_validator_signs_is_accepted(form: Form, query: str) -> None:
    url = f"{BASE}/status?ref=1&{query}"
    assert RequestValidator(TOKEN).validate(url, Repeated(form), official_signature(url, form)), (
        "the official validator agrees with itself"
    )
    SENDER.receive(callback(url, form))


@given(forms, st.integers(0, 3), names)
def test_what_the_official_validator_refuses_is_forged(form: Form, place: int, more: str) -> None:
    signature = official_signature(STATUS_URL, form)
    altered: Form = [*form, (more, "x" * (1 + sum(len(value) for _, value in form)))]
    altered = [altered[-1], *form] if place else altered
    if not RequestValidator(TOKEN).validate(STATUS_URL, Repeated(altered), signature):
        with pytest.raises(Forged):
            SENDER.receive(callback(STATUS_URL, altered, signature))


@pytest.mark.parametrize(
    "signed_url",
    [
        STATUS_URL,
        STATUS_URL.replace("rdv.example.org", "rdv.example.org:443"),
    ],
)
def test_twilio_may_sign_the_address_with_or_without_its_port(signed_url: str) -> None:
    signature = official_signature(signed_url, STATUS)
    assert SENDER.receive(callback(STATUS_URL, STATUS, signature)).receipts


def test_an_address_with_a_port_of_its_own_is_accepted_either_way() -> None:
    url = STATUS_URL.replace("rdv.example.org", "rdv.example.org:8443")
    for signed_url in (url, STATUS_URL):
        signature = official_signature(signed_url, STATUS)
        assert SENDER.receive(callback(url, STATUS, signature)).receipts


@pytest.mark.parametrize(
    "forged",
    [
        callback(STATUS_URL, STATUS, ""),
        callback(STATUS_URL, STATUS, "é"),
        callback(STATUS_URL, STATUS, official_signature(STATUS_URL, STATUS, "")),
        callback(STATUS_URL, STATUS, official_signature(STATUS_URL, STATUS, "other")),
        callback(STATUS_URL + "0", STATUS, official_signature(STATUS_URL, STATUS)),
        callback(STATUS_URL, STATUS[1:], official_signature(STATUS_URL, STATUS)),
        callback(STATUS_URL, [*STATUS, ("a", "")], official_signature(STATUS_URL, STATUS)),
        callback(
            STATUS_URL.replace("https", "http"), STATUS, official_signature(STATUS_URL, STATUS)
        ),
        callback(
            STATUS_URL.replace("rdv.", "evil."), STATUS, official_signature(STATUS_URL, STATUS)
        ),
        Callback("POST", STATUS_URL, {}, urlencode(STATUS).encode()),
        Callback("POST", STATUS_URL, {"x-twilio-signature": "x"}, b"\xff\xfe"),
        Callback("GET", STATUS_URL, {}, b""),
        Callback("POST", f"{STATUS_URL}&bodySHA256=%C3%A9", {"x-twilio-signature": "x"}, b"{}"),
    ],
)
def test_whatever_twilio_did_not_sign_is_forged(forged: Callback) -> None:
    with pytest.raises(Forged) as refusal:
        SENDER.receive(forged)
    assert "+33" not in str(refusal.value)


def test_a_signed_json_body_is_accepted_whole_and_refused_altered() -> None:
    body = b'{"MessageStatus": "delivered"}'
    digest = hashlib.sha256(body).hexdigest()
    url = f"{BASE}/status?bodySHA256={digest}"
    validator = RequestValidator(TOKEN)
    signature = str(validator.compute_signature(url, {}))
    assert validator.validate(url, body.decode(), signature)
    headers = {"x-twilio-signature": signature}
    assert SENDER.receive(Callback("POST", url, headers, body)) == Received()
    with pytest.raises(Forged):
        SENDER.receive(Callback("POST", url, headers, body + b" "))
