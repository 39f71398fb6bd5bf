"""What can go wrong, sorted by what must happen next.

ReminderError
  ConfigurationError   the file is wrong: every mistake named at once, nothing starts (exit 2)
  RepairNeeded         an administrator must repair something (exit 1)
  Held                 sending waits for a person (exit 3)
  FeedRefused          this input cannot be trusted: nothing of it is applied
  SourceUnavailable    the DPI did not answer: try again at the next pass
  Forged               a callback whose signature or secret path is wrong
  TemplateError        a text that cannot be rendered without a gap
  SendError
    NotSent            certainly not sent: try again
      Throttled        ... no sooner than retry_after
    Unknown            may have been sent: wait for the receipt, never send twice
    Refused            certainly not sent and never will be
      BadRecipient     the address does not work: flag it to staff
      OptedOut         the patient said stop at the provider: record an objection
    Misconfigured      our fault: stop this provider and alert an administrator

No text of any of these carries a phone number, a name, an address or a message: codes and
ids only. The sentence a person reads is built where the person is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands, what is wrong, and what to do about it (French)."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where} : {self.what}" + (f" → {self.remedy}" if self.remedy else "")


class ReminderError(Exception):
    """Root of everything this service raises on purpose."""


class ConfigurationError(ReminderError):
    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class RepairNeeded(ReminderError):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Held(ReminderError):
    pass


class FeedRefused(ReminderError):
    """`code` is stable (truncated, header_changed, no_header, empty, encoding, ...)."""

    def __init__(self, code: str, sentence: str, *, line: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence  # French, names the place and the remedy
        self.line = line


class SourceUnavailable(ReminderError):
    def __init__(self, code: str, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.retry_after = retry_after  # seconds, from the server


class Forged(ReminderError):
    pass


class TemplateError(ReminderError):
    """`line` and `column` count from 1; `sentence` is French and names what to change."""

    def __init__(
        self, code: str, sentence: str, *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.line = line
        self.column = column


class SendError(ReminderError):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code  # "twilio 21211", "ClientConnectorError": never the provider's sentence


class NotSent(SendError):
    pass


class Throttled(NotSent):
    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.retry_after = retry_after  # seconds


class Unknown(SendError):
    pass


class Refused(SendError):
    pass


class BadRecipient(Refused):
    pass


class OptedOut(Refused):
    pass


class Misconfigured(SendError):
    pass
