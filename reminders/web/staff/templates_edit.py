"""Writing a template: what one types left, what the patient reads right.

Everything is one form. Each of its buttons saves the draft first, so nothing typed is ever lost;
with JavaScript the right side follows the typing and the draft saves itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.lint import costly, with_equivalents
from reminders.domain.marking import N_
from reminders.domain.template import LONGEST, VARIABLES
from reminders.domain.template_diff import difference
from reminders.domain.template_key import TemplateKey, TemplateText, key_of
from reminders.domain.template_life import NOTE
from reminders.services import accounts as account_services
from reminders.services.template_test import MOST, Asked, send_test
from reminders.services.templates import (
    Figures,
    Overtaken,
    Refused,
    Situation,
    drop_draft,
    propose,
    save_draft,
    situation,
)
from reminders.store.engine import Connection, Record
from reminders.web.staff.templates_seen import Typed, number_in, preview, read, seen, typed_by
from reminders.web.staff.templates_shown import (
    LABELS,
    key_of_visit,
    may_exist,
    named,
    remark,
)
from reminders.web.staff.visit import Route, Visit

# --- the page ----------------------------------------------------------------------------------


def write(visit: Visit) -> Response:
    key = key_of_visit(visit)
    if key is None:
        return visit.missing()
    with visit.staff.store.read() as connection:
        there = situation(connection, key, now=visit.now)
        if there.newest is None and not may_exist(visit, key):
            return visit.missing()
        draft = there.draft_of(visit.viewer.login)
        if draft is not None:
            typed = Typed(draft.text, draft.base_id, draft.revision, draft.note, draft.kept)
        else:
            typed = _first(connection, visit, key, there)
        query = dict(visit.query)
        typed = replace(
            typed, example=number_in(query, "exemple"), invented=query.get("avec") == "exemples"
        )
    parts = read(visit, key)
    if named(visit) != frozenset() and parts[0]:
        visit.saw("template.seen", f"template:{key.slug}")
    return _page(visit, key, there, typed, parts)


def _first(connection: Connection, visit: Visit, key: TemplateKey, there: Situation) -> Typed:
    """Where a new draft starts: one's own text that was refused, else the newest;
    for a language that has none, the French one."""
    head, newest = there.head, there.newest
    if newest and newest.state == "rejected" and newest.author == visit.viewer.login:
        return Typed(replace(newest.text, html=""), base=head.id if head else 0)
    if head is None and key.language != "fr":
        french = key_of(key.purpose, "fr", key.family, key.channel)
        source = situation(connection, french, now=visit.now).live
        return Typed(replace(source.text, html="") if source else TemplateText(""))
    if head is None:
        return Typed(TemplateText(""))
    return Typed(replace(head.text, html=""), base=head.id)


def _page(
    visit: Visit,
    key: TemplateKey,
    there: Situation,
    typed: Typed,
    parts: tuple[Sequence[Record], Figures] | None = None,
    *,
    status: int = 200,
    problems: Sequence[tuple[str, str]] = (),
) -> Response:
    appointments, known = parts or read(visit, key)
    draft = there.draft_of(visit.viewer.login)
    head = there.head
    return visit.page(
        "templates/write.html",
        status,
        key=key,
        there=there,
        head=head,
        typed=typed,
        draft=draft,
        others=[one for one in there.drafts if one.author != visit.viewer.login],
        problems=problems,
        variables=_offered(key),
        labels=LABELS,
        most=LONGEST[key.channel],
        most_note=NOTE,
        volume=known.volume,
        missing=",".join(known.missing),
        behind=head is not None and draft is not None and draft.base_id != head.id,
        **seen(visit, key, typed, appointments, known.volume.messages, known.missing),
    )


def _offered(key: TemplateKey) -> list[tuple[str, Any, str]]:
    """(name, variable, what to insert): one that may miss comes with its condition."""
    return [
        (
            name,
            one,
            f"{{% if {name} %}} {{{{ {name} }}}}{{% endif %}}" if one.optional
            else f"{{{{ {name} }}}}",
        )
        for name, one in VARIABLES.items()
        if key.channel in one.channels and not (name == "lien_confirmation" and _mute(key))
    ]  # fmt: skip


def _mute(key: TemplateKey) -> bool:
    return key.channel == "sms" and key.family != "link"


# --- what the buttons do -------------------------------------------------------------------------


def keep(visit: Visit) -> Response:
    """The draft saves itself: a line that says so, with the new revision."""
    key = key_of_visit(visit)
    if key is None:
        return visit.missing()
    typed = typed_by(visit)
    try:
        draft = _save(visit, key, typed)
    except Overtaken:
        return visit.page("templates/_saved.html", 409, revision=0, moved="", refused="")
    except Refused as refused:
        sentence = visit.words.gettext(refused.say, **refused.values)
        return visit.page("templates/_saved.html", 422, revision=0, moved="", refused=sentence)
    return visit.page(
        "templates/_saved.html", revision=draft.revision, at=draft.updated_at, moved="", refused=""
    )


def act(visit: Visit) -> Response:
    """Save what is typed, then do what the button says."""
    key = key_of_visit(visit)
    if key is None:
        return visit.missing()
    typed = typed_by(visit)
    wish, _, value = visit.form.get("faire", "").partition(":")
    if wish == "abandonner":
        return _abandon(visit, key, typed)
    typed = _altered(key, typed, wish, value)
    try:
        draft = _save(visit, key, typed)
        typed = replace(typed, revision=draft.revision, text=draft.text)
        return _do(visit, key, typed, wish)
    except Overtaken as overtaken:
        return _overtaken(visit, key, typed, overtaken)
    except Refused as refused:
        return _refused(visit, key, typed, refused)


def _altered(key: TemplateKey, typed: Typed, wish: str, value: str) -> Typed:
    """The text as the button changes it."""
    body = typed.text.body.replace("\r\n", "\n")
    if wish == "ecrire" and value.isdigit():  # one costly character, at its place
        place = int(value)
        if place < len(body):
            body = with_equivalents(body, body[place], at=place)
        return replace(typed, text=replace(typed.text, body=body))
    if wish == "partout" and value:
        return replace(typed, text=replace(typed.text, body=with_equivalents(body, value)))
    if wish == "tous":
        characters = "".join(one.character for one in costly(body))
        return replace(typed, text=replace(typed.text, body=with_equivalents(body, characters)))
    if wish == "garder":
        return replace(typed, kept=typed.kept + value)
    if wish == "choisir":
        return replace(typed, kept="")
    if wish == "exemple" and value.isdigit():
        return replace(typed, example=int(value[:3]))
    if wish == "avec":
        return replace(typed, invented=value == "exemples", example=0)
    if wish == "refaire":
        return replace(typed, text=replace(typed.text, html=""))
    return typed


def _save(visit: Visit, key: TemplateKey, typed: Typed) -> Any:
    return save_draft(
        visit.staff.store, key, typed.text, author=visit.viewer.login, base=typed.base,
        revision=typed.revision, note=typed.note, kept=typed.kept, now=visit.now,
    )  # fmt: skip


def _do(visit: Visit, key: TemplateKey, typed: Typed, wish: str) -> Response:
    words, staff = visit.words, visit.staff
    here = f"/modeles/{key.slug}/ecrire"
    if wish == "proposer":
        number = propose(
            staff.store, staff.rules, key, author=visit.viewer.login, revision=typed.revision,
            now=visit.now,
        )  # fmt: skip
        alone = not staff.settings.templates.two_people
        said = (
            words.gettext("Version %(number)s proposée. Il reste à l’approuver.", number=number)
            if alone
            else words.gettext(
                "Version %(number)s proposée. Une autre personne la relit avant "
                "sa mise en service.",
                number=number,
            )
        )
        return visit.go(f"/modeles/{key.slug}/version/{number}", said)
    if wish == "html":
        return _with_live_html(visit, key, typed)
    said = words.gettext("Brouillon enregistré.") if wish == "enregistrer" else ""
    if wish == "essai":
        said = told_of_test(visit, _test(visit, key, typed))
    shown_with = f"?exemple={typed.example}" + ("&avec=exemples" if typed.invented else "")
    return visit.go(f"{here}{shown_with}#apercu" if wish else here, said)


def _with_live_html(visit: Visit, key: TemplateKey, typed: Typed) -> Response:
    with visit.staff.store.read() as connection:
        there = situation(connection, key, now=visit.now)
    html = there.live.text.html if there.live else ""
    return _page(visit, key, there, replace(typed, text=replace(typed.text, html=html)))


def _test(visit: Visit, key: TemplateKey, typed: Typed) -> Asked:
    staff = visit.staff
    account = account_services.account(staff.store, visit.viewer.login, now=visit.now)
    asked = send_test(
        staff.store, staff.rules, staff.routes, staff.secret, key, typed.text,
        account=visit.viewer.login, phone=account.phone if account else "", now=visit.now,
    )  # fmt: skip
    staff.changed()
    return asked


def told_of_test(visit: Visit, asked: Asked) -> str:
    words = visit.words
    if not asked.leaves:
        return words.gettext(
            "Essai composé, mais rien ne part : le service est en répétition ou en mode test."
        )
    if asked.held:
        return words.gettext("Essai prêt : il partira si les envois retenus sont libérés.")
    return words.ngettext(
        "Essai en route vers votre téléphone (%(num)s SMS).",
        "Essai en route vers votre téléphone (%(num)s SMS).",
        asked.segments,
    )


def _abandon(visit: Visit, key: TemplateKey, typed: Typed) -> Response:
    done = drop_draft(
        visit.staff.store, key, author=visit.viewer.login, revision=typed.revision, now=visit.now
    )
    said = (
        visit.words.gettext("Brouillon supprimé.")
        if done
        else visit.words.gettext("Le brouillon a changé dans une autre fenêtre : il est gardé.")
    )
    return visit.go(f"/modeles/{key.slug}" if done else f"/modeles/{key.slug}/ecrire", said)


def _refused(visit: Visit, key: TemplateKey, typed: Typed, refused: Refused) -> Response:
    """The page again, with everything that was typed and why it goes no further."""
    with visit.staff.store.read() as connection:
        there = situation(connection, key, now=visit.now)
    words = visit.words
    fields = {"body": "texte", "subject": "objet", "html": "mise_en_forme"}
    lint = [remark(words, one) for one in refused.findings]
    problems = [
        (fields[one.part], f"{one.sentence} ({one.place})" if one.place else one.sentence)
        for one in lint
    ] or [("texte", words.gettext(refused.say, **{"most": MOST} | refused.values))]
    return _page(visit, key, there, typed, status=422, problems=problems)


def _overtaken(visit: Visit, key: TemplateKey, typed: Typed, overtaken: Overtaken) -> Response:
    """Both texts, side by side: keep one's own, take the other, or mix them."""
    there = overtaken.situation
    draft, head = there.draft_of(visit.viewer.login), there.head
    mine = typed.text.normalised(key.channel)
    theirs = overtaken.theirs
    return visit.page(
        "templates/both.html",
        409,
        key=key,
        mine=mine,
        theirs=theirs,
        by=overtaken.by,
        at=overtaken.at,
        own=overtaken.by == visit.viewer.login,
        base=head.id if head else 0,
        revision=draft.revision if draft else 0,
        typed=typed,
        changes=[
            (part, difference(getattr(theirs, part), getattr(mine, part)))
            for part in (("subject", "body") if key.channel == "email" else ("body",))
        ],
        labels=LABELS,
    )


TYPED = {
    "objet": N_("Objet"),
    "texte": N_("Texte"),
    "mise_en_forme": N_("HTML du courriel"),
    "note": N_("Mot pour la personne qui relira (facultatif)"),
}
_ONE = "/modeles/{modele}"
ROUTES = (
    Route("GET", f"{_ONE}/ecrire", May.EDIT_TEMPLATES, write),
    Route("POST", f"{_ONE}/ecrire", May.EDIT_TEMPLATES, act, typed=TYPED),
    Route("POST", f"{_ONE}/apercu", May.EDIT_TEMPLATES, preview),
    Route("POST", f"{_ONE}/brouillon", May.EDIT_TEMPLATES, keep),
)
