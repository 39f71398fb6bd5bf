"""What is said of a feed that is not applied as it came, and of a source that is held.

The sentences are kept in tables, in French; pages recognise them there to say them in the
reader's language. What an adapter said of a file stays as it said it.
"""

import re

from reminders.domain import guard
from reminders.domain.marking import N_, Filled, recognised
from reminders.store.sources import FIRST_RUN

OLDER = N_("%(file)s est plus ancien que le dernier fichier appliqué : écarté.")
OLDER_CHANGES = N_(
    "%(file)s est plus ancien que le dernier fichier appliqué : écarté. Demander au DPI un export "
    "complet."
)
STALE = N_("%(file)s date du %(moment)s : trop ancien pour agir. Vérifier l'export du DPI.")
FUTURE = N_(
    "%(file)s date du %(moment)s, dans le futur. Vérifier la date du fichier et l'horloge du "
    "serveur."
)
HEADER_CHANGED = N_("%(file)s : l'en-tête a changé. Vérifier l'export, puis « reminders release ».")
DISCARDED = N_("%(file)s : écarté par %(who)s.")
SILENT = N_(
    "La source « %(source)s » n'a rien donné de neuf depuis le %(moment)s : ses rendez-vous ont "
    "pu changer."
)
FORMS = (
    *guard.SENTENCES, FIRST_RUN, OLDER_CHANGES, OLDER, STALE, FUTURE, HEADER_CHANGED, DISCARDED,
    SILENT,
)  # fmt: skip
_SEVERAL = re.compile(r"(?<=[.?]) (?=[0-9A-ZÀ-Ý])")


def parts_of(kept: str) -> list[str]:
    """The sentences of a kept text, each with its form where one of ours made it."""
    parts = [recognised(one, FORMS) for one in _SEVERAL.split(kept)]
    if all(isinstance(one, Filled) for one in parts):
        return parts
    whole = recognised(kept, FORMS)  # some of ours are two sentences
    return [whole] if isinstance(whole, Filled) else parts
