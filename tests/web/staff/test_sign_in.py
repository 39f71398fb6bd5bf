"""Signing in: the first time, every day, and when it must not work."""

import re
from datetime import timedelta
from html import escape

import pyotp
import pytest

from reminders.config import RetentionTable
from reminders.domain.access import Grant, Role
from reminders.domain.sign_in import Lasting, password_problem
from reminders.services import accounts
from reminders.services.purge import purge
from reminders.store.engine import Store
from tests.support.office import Clerk, Office, office_on

PASSWORD = "une phrase que je retiens"
ADMIN = [Grant(Role.ADMINISTRATOR)]


@pytest.fixture
def office(store: Store) -> Office:
    made = office_on(store)
    made.second_factor = True
    made.lasting = Lasting()
    return made


def hired(office: Office, login: str = "claire.b") -> str:
    return accounts.create(
        office.store, login=login, name="Claire B.", grants=ADMIN, actor="tests", now=office.now
    )


def begun(office: Office, login: str = "claire.b", code: str = "") -> Clerk:
    """Somebody whose password is chosen."""
    visitor = office.visitor()
    answer = visitor.send(
        "/connexion/premiere-fois",
        {
            "identifiant": login,
            "code": code or hired(office, login),
            "mot_de_passe": PASSWORD,
            "encore": PASSWORD,
        },
    )
    assert answer.status_code == 200, answer.text
    return visitor


def try_password(visitor: Clerk, password: str = PASSWORD, login: str = "claire.b") -> int:
    answer = visitor.send("/connexion", {"identifiant": login, "mot_de_passe": password})
    return int(answer.status_code)


def secret_of(visitor: Clerk) -> str:
    page = visitor.get("/connexion/application").text
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found is not None
    return found[1].replace(" ", "")


def enrolled(office: Office) -> tuple[Clerk, str]:
    visitor = begun(office)
    assert try_password(visitor) == 303
    secret = secret_of(visitor)
    answer = visitor.send("/connexion/application", {"code": pyotp.TOTP(secret).at(office.now)})
    assert answer.headers["location"] == "/"
    return visitor, secret


def test_the_first_time_asks_a_password_then_an_application(office: Office) -> None:
    visitor, _ = enrolled(office)
    assert "Mon compte" in visitor.get("/compte").text


def test_a_password_alone_opens_nothing(office: Office) -> None:
    visitor = begun(office)
    try_password(visitor)
    assert visitor.get("/compte").headers["location"] == "/connexion/application"


def test_the_next_day_asks_the_six_figures(office: Office) -> None:
    _, secret = enrolled(office)
    office.now += timedelta(days=1)
    visitor = office.visitor()
    answer = visitor.send("/connexion", {"identifiant": "CLAIRE.B ", "mot_de_passe": PASSWORD})
    assert answer.headers["location"] == "/connexion/code"
    assert visitor.get("/compte").headers["location"] == "/connexion/code"
    answer = visitor.send("/connexion/code", {"code": pyotp.TOTP(secret).at(office.now)})
    assert answer.headers["location"] == "/"
    assert visitor.get("/compte").status_code == 200


def test_six_figures_serve_once(office: Office) -> None:
    _, secret = enrolled(office)
    code = pyotp.TOTP(secret).at(office.now)  # already used to enrol
    visitor = office.visitor()
    try_password(visitor)
    assert visitor.send("/connexion/code", {"code": code}).status_code == 403
    assert visitor.get("/compte").status_code == 303


def test_another_code_is_refused(office: Office) -> None:
    _, secret = enrolled(office)
    office.now += timedelta(days=1)
    visitor = office.visitor()
    try_password(visitor)
    wrong = pyotp.TOTP(secret).at(office.now + timedelta(hours=5))
    assert visitor.send("/connexion/code", {"code": wrong}).status_code == 403


def test_who_copies_a_wrong_code_reads_how_long_five_of_them_wait(office: Office) -> None:
    _, secret = enrolled(office)
    office.now += timedelta(days=1)
    visitor = office.visitor()
    try_password(visitor)
    wrong = pyotp.TOTP(secret).at(office.now + timedelta(hours=5))
    for _ in range(5):
        answer = visitor.send("/connexion/code", {"code": wrong})
        assert "Après cinq essais, le compte attend quinze minutes." in answer.text
    right = pyotp.TOTP(secret).at(office.now)
    assert visitor.send("/connexion/code", {"code": right}).status_code == 403


def test_a_one_time_code_serves_once_and_for_two_days(office: Office) -> None:
    code = hired(office)
    begun(office, code=code)
    form = {"identifiant": "claire.b", "mot_de_passe": PASSWORD, "encore": PASSWORD}
    visitor = office.visitor()
    assert visitor.send("/connexion/premiere-fois", form | {"code": code}).status_code == 422
    late = hired(office, "late")
    office.now += timedelta(hours=49)
    form["identifiant"] = "late"
    assert visitor.send("/connexion/premiere-fois", form | {"code": late}).status_code == 422


def test_no_code_is_not_a_code(office: Office) -> None:
    """An account whose code was used holds no code: an empty one must not open it."""
    begun(office)
    form = {"identifiant": "claire.b", "code": "", "mot_de_passe": PASSWORD, "encore": PASSWORD}
    assert office.visitor().send("/connexion/premiere-fois", form).status_code == 422


def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(office: Office) -> None:
    visitor = begun(office)
    for _ in range(5):
        assert try_password(visitor, "pas la bonne phrase") == 403
    assert try_password(visitor) == 403
    office.now += timedelta(minutes=16)
    assert try_password(visitor) == 303


def test_an_administrator_unlocks_at_once(office: Office) -> None:
    visitor = begun(office)
    for _ in range(5):
        try_password(visitor, "pas la bonne phrase")
    accounts.unlock(office.store, "claire.b", actor="tests", now=office.now)
    assert try_password(visitor) == 303


def test_unknown_wrong_and_locked_read_alike(office: Office) -> None:
    visitor = begun(office)
    texts = []
    for login, password in (("personne", PASSWORD), ("claire.b", "pas la bonne phrase")):
        fields = {"identifiant": login, "mot_de_passe": password}
        texts.append(visitor.send("/connexion", fields).text.replace(login, "x"))
    for _ in range(5):
        try_password(visitor, "pas la bonne phrase")
    fields = {"identifiant": "claire.b", "mot_de_passe": PASSWORD}
    texts.append(visitor.send("/connexion", fields).text.replace("claire.b", "x"))
    assert texts[0] == texts[1] == texts[2]


def test_a_session_ends_unused_and_in_any_case(office: Office) -> None:
    visitor, _ = enrolled(office)
    for _ in range(3):
        office.now += timedelta(minutes=50)
        assert visitor.get("/compte").status_code == 200
    office.now += timedelta(minutes=61)
    assert visitor.get("/compte").status_code == 303
    office.lasting = Lasting(timedelta(days=30), timedelta(hours=12))
    kept = office.clerk(Role.AGENT)
    office.now += timedelta(hours=13)
    assert kept.get("/compte").status_code == 303


def test_signing_out_ends_the_session_itself(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    stolen = dict(clerk.client.cookies)
    clerk.post("/deconnexion")
    thief = office.visitor()
    thief.client.cookies.update(stolen)
    assert thief.get("/compte").status_code == 303


def test_a_new_password_ends_the_other_sessions(office: Office) -> None:
    visitor, _ = enrolled(office)
    other = office.visitor()
    other.client.cookies.set("session", office.ticket("claire.b"), domain="rappels.example.org")
    assert other.get("/compte").status_code == 200
    new = "une autre phrase bien longue"
    answer = visitor.post("/compte/mot-de-passe", actuel=PASSWORD, nouveau=new, encore=new)
    assert answer.status_code == 303
    assert visitor.get("/compte").status_code == 200
    assert other.get("/compte").status_code == 303


def test_another_session_is_closed_from_the_account(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    other = office.clerk(Role.AGENT)
    found = re.search(r"/compte/sessions/(\d+)/fermer", clerk.get("/compte").text)
    assert found is not None
    clerk.post(found[0])
    assert other.get("/compte").status_code == 303
    assert clerk.get("/compte").status_code == 200


def test_nobody_closes_the_session_of_another(office: Office) -> None:
    victim, intruder = office.clerk(Role.AGENT), office.clerk(Role.READER)
    with office.store.read() as connection:
        from reminders.store.engine import rows

        found = rows(
            connection,
            "SELECT s.id FROM staff_session s JOIN account a ON a.id = s.account_id "
            "WHERE a.login = 'agent'",
        )
    intruder.post(f"/compte/sessions/{found[0].id}/fermer")
    assert victim.get("/compte").status_code == 200


def test_a_reset_forgets_everything_and_sends_everybody_away(office: Office) -> None:
    visitor, _ = enrolled(office)
    code = accounts.reset(office.store, "claire.b", actor="tests", now=office.now)
    assert visitor.get("/compte").status_code == 303
    assert try_password(visitor) == 403
    begun(office, code=code)
    assert try_password(visitor) == 303
    assert visitor.get("/compte").headers["location"] == "/connexion/application"


def test_one_comes_back_to_the_page_that_was_asked_for(office: Office) -> None:
    office.second_factor = False
    visitor = begun(office)
    assert visitor.get("/compte?onglet=2").headers["location"] == "/connexion"
    answer = visitor.send("/connexion", {"identifiant": "claire.b", "mot_de_passe": PASSWORD})
    assert answer.headers["location"] == "/compte?onglet=2"


def test_the_language_chosen_at_the_door_is_read_behind_it(office: Office) -> None:
    office.second_factor = False
    visitor = begun(office)
    visitor.client.post("/connexion/langue", data={"langue": "en"})
    assert try_password(visitor) == 303
    assert '<html lang="en">' in visitor.get("/compte").text
    other = begun(office, "paul.c", hired(office, "paul.c"))
    other.client.cookies.set("langue", "en", domain="rappels.example.org")  # a colleague's, before
    assert try_password(other, login="paul.c") == 303
    assert '<html lang="fr">' in other.get("/compte").text


@pytest.mark.parametrize("address", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_one_never_comes_back_to_another_site(office: Office, address: str) -> None:
    from reminders.web.staff.forms import packed

    office.second_factor = False
    visitor = begun(office)
    visitor.client.cookies.set("retour", packed(address), domain="rappels.example.org")
    answer = visitor.send("/connexion", {"identifiant": "claire.b", "mot_de_passe": PASSWORD})
    assert answer.headers["location"] == "/"


def test_over_https_the_cookie_keeps_to_its_host(office: Office) -> None:
    office.secure, office.second_factor = True, False
    visitor = begun(office)
    answer = visitor.send("/connexion", {"identifiant": "claire.b", "mot_de_passe": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))


def test_the_doors_of_the_demo_exist_in_the_demo_only(office: Office) -> None:
    office.hire(Role.AGENT)
    visitor = office.visitor()
    assert visitor.send("/connexion/demo", {"compte": "agent"}).status_code == 404
    demo = office.visitor(doors={"agent": "Nadia Marchand"})
    assert demo.send("/connexion/demo", {"compte": "agent"}).headers["location"] == "/"


def test_the_last_administrator_stays(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR)
    answer = clerk.post("/comptes/administrator/droits", droit="reader@")
    assert answer.status_code == 422
    assert "administrateur" in answer.text
    one = clerk.post("/comptes/administrator/droits", droit="administrator@uf:4220")
    assert one.status_code == 422  # nobody would be left to manage accounts
    assert clerk.get("/comptes").status_code == 200


def test_who_administers_one_service_gives_nobody_rights(office: Office) -> None:
    """Else they would give themselves all of them, or take over who has them."""
    office.hire(Role.AGENT)
    whole = office.clerk(Role.ADMINISTRATOR)
    petty = office.clerk(Role.ADMINISTRATOR, login="petit", ufs=["4220"])
    for answer in (
        petty.get("/comptes"),
        petty.post("/comptes/petit/droits", droit=["administrator@", "manager@"]),
        petty.post("/comptes/administrator/code"),
        petty.post("/comptes/administrator/fermer"),
        petty.post("/comptes", nom="Zoé", identifiant="zoe", droit="manager@"),
    ):
        assert answer.status_code == 403
    assert whole.get("/comptes").status_code == 200
    kept = accounts.account(office.store, "petit", now=office.now)
    assert kept is not None
    assert {(one.role, one.uf) for one in kept.grants} == {(Role.ADMINISTRATOR, "4220")}


def test_a_login_is_the_address_of_a_page(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR)
    answer = clerk.post("/comptes", nom="Zoé Martin", identifiant="..", droit="agent@")
    assert answer.status_code == 422


def test_an_administrator_makes_an_account_whose_code_works(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR)
    page = clerk.post(
        "/comptes",
        nom="Zoé Martin",
        identifiant="zoe.m",
        droit=["agent@uf:4220", "author@uf:4220"],
    ).text
    code = re.search(r"[A-Z0-9]{4}(-[A-Z0-9]{4}){3}", page)
    assert code is not None
    begun(office, "zoe.m", code[0])
    made = accounts.account(office.store, "zoe.m", now=office.now)
    assert made is not None
    assert {(g.role, g.uf) for g in made.grants} == {
        (Role.AGENT, "4220"),
        (Role.AUTHOR, "4220"),
    }


def test_who_makes_an_account_chooses_the_language_its_owner_reads_first(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR)
    clerk.post("/compte/langue", langue="en")  # the maker's own language is nobody else's
    chosen_for: dict[str, dict[str, str]] = {
        "amy.j": {"langue": "en"}, "lea.p": {"langue": "fr"}, "luc.d": {},
    }  # fmt: skip
    page = clerk.get("/comptes").text
    assert re.findall(r'<option value="(fr|en)"[^>]*?( selected)?>', page) == [
        ("fr", ""), ("en", ""),
    ]  # fmt: skip
    for login, chosen in chosen_for.items():
        made = {"nom": "Amy Jones", "identifiant": login, "droit": "agent@"}
        handed = clerk.post("/comptes", made | chosen).text
        code = re.search(r"[A-Z0-9]{4}(-[A-Z0-9]{4}){3}", handed)
        assert code is not None
        visitor = office.visitor()
        form = {"identifiant": login, "mot_de_passe": PASSWORD, "encore": PASSWORD}
        answer = visitor.send("/connexion/premiere-fois", form | {"code": code[0]})
        expected = f'<html lang="{chosen.get("langue", "fr")}">'
        assert expected in answer.text
        assert expected in visitor.get("/connexion").text
        try_password(visitor, login=login)
        assert expected in visitor.get("/connexion/application").text
    assert "English" in clerk.get("/comptes/amy.j").text
    unknown = clerk.post("/comptes", nom="X", identifiant="x.y", role="agent", lieu="", langue="xx")
    assert unknown.status_code == 422


def test_sessions_that_ended_long_ago_are_forgotten(office: Office) -> None:
    office.clerk(Role.AGENT)
    for days, left in ((20, 1), (40, 0)):
        office.now += timedelta(days=days)
        purge(office.store, RetentionTable(), now=office.now)
        assert office.value("SELECT count(*) FROM staff_session") == left


def test_the_audit_holds_who_came_and_what_they_changed(office: Office) -> None:
    enrolled(office)
    office.clerk(Role.ADMINISTRATOR).post("/comptes/claire.b/fermer")
    actions = [one.action for one in office.rows("SELECT action FROM audit ORDER BY id")]
    for action in ("account.create", "sign-in.first", "sign-in", "account.disable"):
        assert action in actions


@pytest.mark.parametrize(
    "password",
    ["court", "motdepasse123", "aaaaaaaaaaaaaa", "je suis claire.b ici", "x" * 200, "azertyqwerty"],
)
def test_what_is_guessed_is_refused(password: str) -> None:
    assert password_problem(password, "claire.b")


def test_a_phrase_is_taken() -> None:
    assert password_problem(PASSWORD, "claire.b") == ""


def ended(office: Office) -> Clerk:
    """Somebody whose session has just run out, the cookie still in the browser."""
    office.second_factor = False
    visitor = begun(office)
    assert try_password(visitor) == 303
    office.now += timedelta(hours=2)
    return visitor


def enters(visitor: Clerk) -> str:
    """Sign in again: the page one is led to."""
    answer = visitor.send("/connexion", {"identifiant": "claire.b", "mot_de_passe": PASSWORD})
    return str(answer.headers["location"])


def test_the_door_says_that_a_session_has_expired(office: Office) -> None:
    assert "Votre session a expiré" not in office.visitor().get("/connexion").text
    visitor = ended(office)
    page = visitor.follow(visitor.get("/comptes")).text
    assert "Votre session a expiré" in page
    assert "n’est pas enregistré" not in page
    assert enters(visitor) == "/comptes"


def test_a_form_sent_after_the_session_leads_back_to_the_page_it_was_on(office: Office) -> None:
    visitor = ended(office)
    page = "http://rappels.example.org/presences?jour=2026-10-05&liste=uf:4220"
    answer = visitor.send("/presences", {"jour": "2026-10-05"}, referer=page)
    told = visitor.follow(answer).text
    assert "Ce que vous veniez d’envoyer n’est pas enregistré" in told
    assert enters(visitor) == "/presences?jour=2026-10-05&liste=uf:4220"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"referer": "https://evil.example/presences?jour=x"},
        {"referer": "http://rappels.example.org/nulle-part"},
        {"referer": "http://rappels.example.org//evil.example"},
    ],
    ids=lambda one: one.get("referer", "none"),
)
def test_else_it_leads_back_to_the_nearest_page(office: Office, headers: dict[str, str]) -> None:
    visitor = ended(office)
    visitor.send("/comptes/claire.b/droits", {"droit": "reader@"}, **headers)
    assert enters(visitor) == "/comptes/claire.b"


def test_another_sites_form_leads_to_the_first_page(office: Office) -> None:
    visitor = ended(office)
    visitor.send("/presences", {}, **{"sec-fetch-site": "cross-site"})
    assert enters(visitor) == "/"


TEXT = "Rendez-vous le {{ date_rdv }}, « <b>ici</b> »"


@pytest.mark.parametrize(
    ("address", "field"),
    [("/modeles/confirm.fr.any.sms/ecrire", "texte"), ("/consignes/nouvelle", "instructions")],
)
def test_a_long_text_sent_after_the_session_is_shown_to_be_copied(
    office: Office, address: str, field: str
) -> None:
    visitor = ended(office)
    answer = visitor.send(address, {field: TEXT, "jeton": "x", "faire": "proposer"})
    assert answer.status_code == 401
    assert escape(TEXT, quote=False) in answer.text
    assert "<b>ici</b>" not in answer.text
    foreign = visitor.send(address, {field: TEXT}, **{"sec-fetch-site": "cross-site"})
    assert (foreign.status_code, TEXT in foreign.text) == (303, False)
    enters(visitor)
    again = visitor.send(address, {field: TEXT, "jeton": "x"})  # of the session before
    assert again.status_code == 403
    assert escape(TEXT, quote=False) in again.text


def ticked(page: str) -> list[str]:
    return re.findall(r'name="droit" value="([^"]+)" checked', page)


def test_rights_saved_without_a_change_stay_what_they_are(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR)
    mixed = [Grant(Role.APPROVER), Grant(Role.MANAGER, uf="4220"), Grant(Role.AGENT, uf="9999")]
    accounts.create(
        office.store, login="mixte", name="Mixte", grants=mixed, actor="tests", now=office.now
    )
    shown = ticked(clerk.get("/comptes/mixte").text)
    assert shown == ["agent@uf:9999", "approver@", "manager@uf:4220"]  # 9999: mapped no more
    assert clerk.post("/comptes/mixte/droits", droit=shown).status_code == 303
    kept = accounts.account(office.store, "mixte", now=office.now)
    assert kept is not None
    assert set(kept.grants) == set(mixed)


def test_a_new_account_holds_nowhere_until_a_place_is_chosen(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR)
    page = clerk.get("/comptes").text
    assert ticked(page) == []
    for wrong in ({}, {"droit": "agent"}, {"droit": "agent@uf:1"}, {"droit": "boss@"}):
        answer = clerk.post("/comptes", {"nom": "Zoé", "identifiant": "zoe"} | wrong)
        assert answer.status_code == 422, wrong


def test_the_list_of_accounts_says_where_each_role_holds(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR)
    office.hire(Role.MANAGER, login="cadre", ufs=["4220"])
    lines = re.findall(r"<li>([^<]+)</li>", clerk.get("/comptes").text)
    assert [one.replace("\u00a0", " ") for one in lines] == [
        "Administrateur : partout",
        "Cadre de service : Consultations, accueil B2 (4220)",
    ]
