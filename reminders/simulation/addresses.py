"""Where a simulated world listens, as its process tells when it is ready."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Addresses:
    fhir: str  # base URL of the DPI
    twilio: str  # base_url of a Twilio sender
    ovh: str  # base_url of an OVHcloud sender
    smtp_port: int  # on 127.0.0.1, no TLS
    control: str
