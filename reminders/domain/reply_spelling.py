"""SMS spelling: what telephones and hurry make of words, and the usual form of each."""

import re
import unicodedata
from functools import lru_cache

# What telephones and hurry make of words. One spelling, several words: "jpeux" -> "je peux".
SPELLINGS = {
    "oui": "oui ouii wi ui uii oue ouai ouais ouaip oep oe ouep ouep vui voui yep yup yeah yes "
    "yess yesss ouiii ouai ouiiii oui1 ouy ouip ouips",
    "non": "nn nan nop nope nah noon nonnn nonon nonn",
    "ok": "okey okay oki okk k okok okai ook oke okeyy okayy",
    "d accord": "dac dacc daccord dacord dacor dak dacodac dacodak dakor dakord dacorde",
    "pas": "pa pas",
    "plus": "plu",
    "m envoyer": "menvoyer menvoye",
    "m envoyez": "menvoyez",
    "peux": "peu peus peut peux pe px",
    "je peux": "jpeux jpeu jpe jpx jepeux",
    "suis": "sui suit",
    "je suis": "jsuis jsui chui chuis jss jsus jesuis jsuit ch'uis",
    "je serai": "jsre jsrai jserai jsere jserais jserait jsr",
    "je viens": "jvien jviens jvi1 jviendrais jvien jevien",
    "je vais": "jvais jvai jve jv",
    "je veux": "jveux jveu jvx",
    "je sais": "jsais jsai jse",
    "je confirme": "jconfirme jeconfirme jcomfirme",
    "je pourrai": "jpourrai jpourai jpourrais jpourait jpourais",
    "j annule": "jannule janule janul",
    "j ai": "jai g gai",
    "j y": "jy",
    "j arrive": "jarrive jarive jariv",
    "je viendrai": "jviendrai jviendré",
    "c est": "c cest",
    "viens": "vien vient viens vi1 vyen",
    "viendrai": "viendrais viendré viendrait viendrez",
    "serai": "serais seré sre srai serait",
    "pourrai": "pourrais pourré pourais pourai pourait pourrait",
    "quel": "kel quelle quels quelles kelle qel",
    "quelle heure": "kelheure kelleure",
    "l heure": "lheure lheur leure",
    "vous": "vs",
    "venir": "vnir vennir vnire",
    "heure": "heur heures h eure hre",
    "qui": "ki",
    "que": "ke kue qe",
    "quoi": "koi kwa",
    "quand": "kan kand qd qand",
    "est ce que": "eske esk esque eskeu esceque esce",
    "pour": "pr pour pou",
    "demain": "dem1 2main dmain 2m1 deman dem",
    "aujourd hui": "auj ajd aujourdhui ojd ajourdhui aujourd'hui",
    "rdv": "rv rdvs rendezvous rendevous rdvous r.d.v",
    "s il vous plait": "svp stp sivouplait silvousplait svp. siouplait sivouplai silvouplait",
    "desole": "dsl desoler dzl dezole desolee dsle desoles navre navree",
    "merci": "mrc mci mercii merki mrci thx mercie thanks",
    "bonjour": "bjr bonjours bjour slt salut coucou cc bsr bonsoir hello hi hey bonjr",
    "docteur": "dr doc dct doctor",
    "monsieur": "mr mrs msieur",
    "message": "msg messages msgs mesage textos texto sms",
    "numero": "num nro numeros nume numéro no. tel",
    "aussi": "ossi",
    "dans": "ds dan",
    "avec": "ac avk",
    "tout": "tt tous toute toutes",
    "beaucoup": "bcp bocoup",
    "probleme": "pb prob problem pbm problemes pblm probl",
    "souci": "soucis soucy souçi",
    "parce que": "pck pcq parceque pcke parsk",
    "apres midi": "aprem aprm apresmidi",
    "maintenant": "mtn mnt",
    "retard": "retar retart rtard",
    "toujours": "tjs tjrs",
    "quelque": "qq qlq",
    "comment": "cmt coman komen coment",
    "serons": "seron",
    "present": "presente presents presentes prsent prezent",
    "dispo": "disponible disponibles",
    "confirme": "comfirme comfirm comfirmé confirm confirmer confirmé confirmee "
    "confirmes confirmez confirmation "
    "confirmations confime confrme confirmons comfirmer konfirm",
    "annule": "anule annuler anuler annulez annulé annulee anul annul annulation annulations "
    "annules annulons annuller cancele",
    "voudrai": "voudrais voudrait",
    "aimerai": "aimerais aimerait",
    "souhaiterai": "souhaiterais souhaiterait",
    "prefererai": "prefererais",
    "bien sur": "biensur biensure biensûr bi1sur bsure",
    "bien": "b1 bi1 bn",
    "impossible": "imposible inpossible impossib",
    "empechement": "empechements empeché empecher empeche",
    "stop": "stopp stope stops stoop",
    "nickel": "nikel nickell niquel",
    "parfait": "parfaitement parfais parfai parfaite",
    "evidemment": "evidement evidamment",
    "absent": "absente absents absence",
    "la": "laa",
}
_DOUBLED = re.compile(r"([a-z])\1+")


def collapse(text: str) -> str:
    """One letter for two: what people double or forget to double."""
    return _DOUBLED.sub(r"\1", text)


def _bare(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


_SPELLED = {
    collapse(_bare(one)): collapse(word) for word, many in SPELLINGS.items() for one in many.split()
}
# Collapsing would leave one letter of these.
_SHORT = {"nn": "non", "cc": "bonjour", "tt": "tout", "mme": "madame"}
_SPELLED = {w: usual for w, usual in _SPELLED.items() if w not in ("n", "t")} | {"c": "c est"}
# Long words a slip of one letter still means: nothing else is one letter away from them.
LONG = """confirme impossible empechement presence deplacement rendez desole parfait accord
absolument volontiers evidemment certainement retard ambulance changement reporter
decaler deplacer disponible numero message erreur toujours"""
_LONG = tuple(collapse(word) for word in LONG.split())


# « jpeux », « jconfirm »: « je » written in one word with what follows.
_VERBS = """confirme viens viendrai serai suis peux pourrai sais veux vais dois pense passe garde
maintiens valide voudrai souhaite prefere connais aurai arrive reviens"""
_AFTER_JE = frozenset(collapse(verb) for verb in _VERBS.split())


@lru_cache(maxsize=4_096)
def spelled(token: str) -> str:
    """A token in its usual spelling; long ones may be one slip away from it."""
    if token in _SHORT:
        return _SHORT[token]
    word = collapse(token)
    if known := _SPELLED.get(word):
        return known
    if word[0] == "j" and (verb := _SPELLED.get(word[1:], word[1:])) in _AFTER_JE:
        return f"je {verb}"
    if len(word) >= 6 and word.isalpha():
        for usual in _LONG:
            if word != usual and word[0] == usual[0] and _one_slip(word, usual):
                return _SPELLED.get(usual, usual)
    return word


def _one_slip(one: str, other: str) -> bool:
    """One letter changed, missing, added, or two neighbours swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    if len(one) == len(other):
        swapped = one[start : start + 2] == other[start : start + 2][::-1]
        return one[start + 1 :] == other[start + 1 :] or (
            swapped and one[start + 2 :] == other[start + 2 :]
        )
    short, long = sorted((one, other), key=len)
    return short[start:] == long[start + 1 :]
