"""The header of a CSV export: its separator, and which column is what."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from adapters.dpi.csv_values import plain

SEPARATORS = ";\t|,"

# our field -> the headers it is known under, compared without accents, case or punctuation.
# The first name of each is the one the documentation uses.
SYNONYMS: dict[str, str] = {
    "number": "num_rdv numrdv no_rdv nordv n_rdv nrdv idrdv id_rdv rdv_id numero_rdv "
    "numero_rendez_vous numero_du_rendez_vous num_rendez_vous id_rendez_vous identifiant_rdv "
    "ref_rdv reference_rdv code_rdv appointment_id",
    "status": "statut statut_rdv etat etat_rdv etat_du_rdv status statut_du_rdv",
    "date": "date_rdv daterdv date_rv daterv date_du_rdv date_rendez_vous date_du_rendez_vous "
    "rdv_date dt_rdv jour_rdv date_heure_rdv horaire_rdv date_debut date_heure_debut date_heure "
    "dateheure date_et_heure debut date jour",
    "hour": "heure_rdv heurerdv heure_rv h_rdv heure_du_rdv hre_rdv rdv_heure heure_debut h_debut "
    "hdebut heure_de_debut heure horaire",
    "duration": "duree duree_rdv duree_min duree_minutes duree_en_minutes duree_du_rdv",
    "ipp": "ipp num_ipp no_ipp n_ipp numero_ipp id_patient patient_id num_patient "
    "numero_patient no_patient identifiant_patient nip code_patient num_dossier_patient",
    "birth_name": "nom_naissance nom_de_naissance nom_patronymique nom_jf nom_famille "
    "nom_de_famille",
    "used_name": "nom_usage nom_d_usage nom_usuel nom_marital nom nom_patient nom_utilise",
    "given": "prenom prenoms prenom_patient prenom_usuel prenom_utilise",
    "birth_date": "date_naissance datenaissance date_de_naissance ddn naissance dt_naissance "
    "date_nais ne_le nee_le",
    "sex": "sexe genre civilite",
    "landline": "tel_fixe telfixe telephone_fixe fixe tel_domicile telephone_domicile "
    "tel_dom telephone tel tel1 telephone_1 num_tel numero_telephone",
    "mobile": "tel_portable telportable portable tel_mobile telephone_mobile mobile gsm "
    "telephone_portable tel_port num_portable numero_portable tel2 telephone_2 portable_patient",
    "work_phone": "tel_travail tel_professionnel telephone_professionnel tel_pro",
    "email": "email e_mail mail mel courriel adresse_mail adresse_email adresse_electronique "
    "email_patient",
    "uf": "code_uf uf codeuf uf_code num_uf uf_hebergement uf_medicale unite_fonctionnelle "
    "code_unite code_service service_code uf_consultation",
    "uf_label": "libelle_uf lib_uf libelle_service service unite nom_uf libelle_unite nom_service",
    "agenda": "code_agenda agenda id_agenda num_agenda planning code_planning vacation",
    "agenda_label": "libelle_agenda lib_agenda nom_agenda",
    "practitioner": "praticien medecin nom_praticien intervenant docteur ressource",
    "kind": "type_rdv typerdv type type_de_rdv type_consultation motif_rdv code_type acte "
    "nature_rdv type_rendez_vous",
    "place": "lieu lieu_rdv salle localisation lieu_du_rdv emplacement",
    "site": "site code_site nom_site site_rdv etablissement_site",
    "visit": "num_venue venue no_venue numero_venue iep num_iep nda",
    "booked_at": "date_creation datecreation cree_le date_prise date_prise_rdv date_de_prise "
    "date_saisie date_enregistrement pris_le date_de_creation",
    "modified_at": "date_modif datemodif date_modification modifie_le date_maj maj "
    "date_derniere_modification derniere_modification date_de_modification",
    "cancelled_by": "annule_par auteur_annulation origine_annulation",
    "cancel_reason": "motif_annulation raison_annulation motif_d_annulation cause_annulation",
    "consent": "consent_sms consentement_sms accord_sms sms rappel_sms sms_ok autorise_sms "
    "consentement",
    "language": "langue langue_patient langue_parlee",
    "note": "commentaire commentaires remarque observation note",
    "identity": "statut_identite etat_identite statut_identito qualite_identite",
    "deceased": "decede deces date_deces dcd patient_decede date_de_deces",
    "confidential": "confidentiel confidentialite vip incognito non_divulgation",
    "protected": "majeur_protege mesure_protection protection_juridique tutelle curatelle",
    "parent_phone": "tel_parent telephone_parent tel_mere tel_pere portable_parent tel_parents "
    "telephone_parents tel_responsable_legal",
    "parent_email": "email_parent mail_parent courriel_parent email_parents",
    "guardian_phone": "tel_representant tel_tuteur telephone_tuteur tel_representant_legal "
    "telephone_representant tel_curateur",
    "guardian_email": "email_representant email_tuteur mail_tuteur courriel_representant",
}
LEAST = 3  # known columns without which a line is no header


def key_of(header: str) -> str:
    """A header without accents, case, blanks or punctuation: « N° RDV » -> nordv."""
    return re.sub(r"[^a-z0-9]", "", plain(header.replace("°", "o").replace("º", "o")))


_KNOWN = {
    key_of(name): (ours, rank)
    for ours, names in SYNONYMS.items()
    for rank, name in enumerate(names.split())
}

_LITTLE = frozenset({"de", "du", "d", "des", "l", "la", "le", "en", "a"})
_SHORT = {
    "numero": "n", "num": "n", "no": "n", "id": "n", "identifiant": "n", "telephone": "tel",
    "rv": "rdv", "etat": "statut", "naiss": "naissance",
}  # fmt: skip


def _loose(header: str) -> str:
    """The header's words without the little ones, abbreviated as one might."""
    words = re.findall(r"[a-z0-9]+", plain(header.replace("°", "o ").replace("(", "")))
    text = " ".join(words).replace("rendez vous", "rdv")
    return "".join(_SHORT.get(word, word) for word in text.split() if word not in _LITTLE)


_LOOSELY = {
    _loose(name.replace("_", " ")): (ours, rank)
    for ours, names in SYNONYMS.items()
    for rank, name in enumerate(names.split(), 100)
}


def _known(header: str) -> tuple[str, int] | None:
    """Our field under a header any hospital may write, and how surely it is meant: DATE_RDV is
    the appointment's date before a column named only DATE."""
    return _KNOWN.get(key_of(header)) or _LOOSELY.get(_loose(header))


def field_of(header: str) -> str | None:
    """Our field under a header any hospital may write; None if nobody told us."""
    found = _known(header)
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each of our fields stands in a row."""

    columns: Mapping[str, int]
    places: Mapping[str, tuple[int, ...]]  # every column of a field, the surest first
    names: tuple[str, ...]  # the headers as the file writes them, for error messages
    separator: str
    fingerprint: str
    keys: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.names)

    def name(self, ours: str) -> str:
        place = self.columns.get(ours)
        return self.names[place] if place is not None else SYNONYMS[ours].split()[0].upper()

    def repeats(self, cells: Sequence[str]) -> bool:
        """Is this line the header once more?"""
        place = self.columns["date"]
        return key_of(cells[place]) == self.keys[place] and (
            tuple(key_of(cell) for cell in cells[: self.width]) == self.keys
        )


def separator_of(line: str, wanted: str, known: Mapping[str, str]) -> str:
    """The separator that cuts the header into most known columns, then into most columns."""
    if wanted:
        return wanted

    def score(separator: str) -> tuple[int, int]:
        cells = split(line, separator)
        return sum(key_of(cell) in known or bool(field_of(cell)) for cell in cells), len(cells)

    return max(SEPARATORS, key=score)


def split(line: str, separator: str) -> list[str]:
    """The cells of one record; a line break outside quotes counts as a blank."""
    try:
        return next(csv.reader((line,), delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return next(csv.reader((" ".join(line.split()),), delimiter=separator), [])


def layout_of(cells: Sequence[str], separator: str, known: Mapping[str, str]) -> Layout | None:
    """The layout this header describes; None if it is none.

    `known`: this site's own headers, by key; "" for one to pass over.
    """
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()  # a separator at the end of each line
    keys = tuple(key_of(name) for name in names)
    found: dict[str, list[tuple[int, int]]] = {}
    for place, (name, key) in enumerate(zip(names, keys, strict=True)):
        ours, rank = (known[key], -1) if key in known else _known(name) or ("", 0)
        if ours:
            found.setdefault(ours, []).append((rank, place))
    if "date" not in found or len(found) < LEAST:
        return None
    places = {ours: tuple(place for _, place in sorted(all_)) for ours, all_ in found.items()}
    columns = {ours: all_[0] for ours, all_ in places.items()}
    digest = sha256("\x1f".join(keys).encode()).hexdigest()[:32]
    return Layout(columns, places, tuple(names), separator, digest, keys)
