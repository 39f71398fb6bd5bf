"""The demo's hospital: its moment, its configuration file, and the accidents of its providers."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from reminders.simulation.addresses import Addresses
from reminders.simulation.hospital import PARIS, SITE_NAME, SITE_PHONE, SITE_SHORT, UNITS
from reminders.simulation.ovh_api import OvhAccount
from reminders.simulation.records import APPOINTMENT_SYSTEM, IPP_SYSTEM, UF_SYSTEM
from reminders.simulation.twilio_api import TwilioAccount

OPENING = datetime(2026, 10, 13, 9, 55, tzinfo=PARIS)  # the Tuesday on which the demo opens
FORTNIGHT = timedelta(days=14)
START = OPENING - FORTNIGHT
SEED = 20261013
SENDER_NUMBER = "+33639989999"  # takes replies; no simulated patient has it
SENDER_NAME = "CHExemple"  # cannot be answered
TOKEN = "simulated-dpi"  # noqa: S105 - opens nothing


def lasting(start: datetime, days: int, *, minutes: int) -> dict[str, str]:
    """The window of an accident: at ten, when most messages leave, so many days after `start`."""
    ten = (start + timedelta(days=days)).replace(hour=10, minute=0)
    return {"since": ten.isoformat(), "until": (ten + timedelta(minutes=minutes)).isoformat()}


FAULTS = (
    # Too many at once on the second morning, an outage on the third: OVHcloud takes over.
    {"provider": "twilio", "kind": "throttle", "seconds": 90.0} | lasting(START, 1, minutes=1),
    {"provider": "twilio", "kind": "reject_credentials"} | lasting(START, 2, minutes=2),
    {"provider": "twilio", "kind": "refuse", "share": 0.002},
    {"provider": "twilio", "kind": "accept_then_500", "share": 0.002},
)

HEAD = """\
# Hôpital simulé : ce fichier est écrit par « reminders demo ».
mode = "{mode}"

[store]
url = "sqlite:///{database}"

[web]
{public}internal_port = {internal_port}

[[site]]
id = "exemple"
name = "{site[0]}"
short_name = "{site[1]}"
timezone = "Europe/Paris"
phone = "{site[2]}"
address = "1 rue de l'Exemple, 00000 Exempleville"

[privacy]
controller = "{site[0]}, 1 rue de l'Exemple, 00000 Exempleville"
dpo = "dpo@example.org"
legal_basis = "public-task"
hosting = "cet ordinateur, le temps de la démonstration"
accessibility = "accueil@example.org"

[[dpi]]
id = "agenda"
kind = "fhir"
base_url = "{addresses.fhir}"
auth = "bearer"
token = "{token}"
ipp_system = "{systems[0]}"
appointment_system = "{systems[1]}"
uf_system = "{systems[2]}"
page_size = 500
every_seconds = 3
full_every_hours = 72

[[sms]]
id = "principal"
kind = "twilio"
company = "Opérateur simulé A"
country = "FR"
base_url = "{addresses.twilio}"
account_sid = "{twilio.account_sid}"
auth_token = "{twilio.auth_token}"
sender = "{senders[0]}"
replies = true
max_per_second = 0
price_per_segment_eur = 0.06

[[sms]]
id = "secours"
kind = "ovh"
company = "Opérateur simulé B"
country = "FR"
base_url = "{addresses.ovh}"
service_name = "{ovh.service_name}"
application_key = "{ovh.application_key}"
application_secret = "{ovh.application_secret}"
consumer_key = "{ovh.consumer_key}"
sender = "{senders[1]}"
max_per_second = 0
price_per_segment_eur = 0.05

[email]
kind = "smtp"
company = "Relais simulé"
country = "FR"
host = "127.0.0.1"
port = {addresses.smtp_port}
security = "none"
sender = "rdv@example.org"
"""

PUBLIC = """\
public_url = "http://127.0.0.1:{port}"
public_port = {port}
"""

SERVICE = """
[[service]]
uf = "{unit.uf}"
site = "exemple"
label = "{unit.label}"
sensitivity = "{unit.sensitivity}"
slot_cost_eur = {unit.slot_cost_eur}
"""

SHEETS = """
[[preparation]]
id = "imagerie"
service = "2510"
arrival_point = "Accueil C0"
documents = ["Carte Vitale", "Ordonnance", "Anciens examens"]
arrive_minutes_before = 15

[[preparation]]
id = "accueil-b2"
service = "4220"
arrival_point = "Accueil B2"
documents = ["Carte Vitale", "Carte de mutuelle"]
"""


def configuration(
    addresses: Addresses,
    database: str,
    *,
    mode: Literal["live", "rehearsal"] = "live",
    public_port: int = 0,
    internal_port: int = 8000,
) -> str:
    """hospital.toml of the simulated hospital. Without `public_port` receipts are polled."""
    head = HEAD.format(
        mode=mode,
        database=database,
        public=PUBLIC.format(port=public_port) if public_port else "",
        internal_port=internal_port,
        addresses=addresses,
        twilio=TwilioAccount(),
        ovh=OvhAccount(),
        site=(SITE_NAME, SITE_SHORT, SITE_PHONE),
        systems=(IPP_SYSTEM, APPOINTMENT_SYSTEM, UF_SYSTEM),
        senders=(SENDER_NUMBER, SENDER_NAME),
        token=TOKEN,
    )
    return head + "".join(SERVICE.format(unit=unit) for unit in UNITS if unit.mapped) + SHEETS


def write_faults(path: Path) -> Path:
    """The accidents of a fortnight, as a file the world reads."""
    path.write_text(json.dumps(FAULTS), encoding="utf-8")
    return path
