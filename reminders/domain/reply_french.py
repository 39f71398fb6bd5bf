"""What patients write in French: for each meaning its phrases, small patterns over plain words.

Plain words are what `reply_text.plain` makes of a text: lower case, no accents, no doubled
letters, SMS spelling undone (`reply_spelling`).
"""

from collections.abc import Mapping

from reminders.domain.reply_senses import Sense

_NE = "(?:ne |n |nen )?"
_JE = "(?:je |j |nous |on |moi je )?"
_PAS = "(?:malheureusement |finalement |vraiment |surement |helas )?(?:pas|plus|point|jamais)(?: du tout| vraiment| non plus| malheureusement| finalement)?"
_COME = (
    "(?:venir|y aller|aller|y etre|etre la|etre present|etre au rdv|etre dispo|me rendre|"
    "m y rendre|nous rendre|me presenter|se presenter|me deplacer|se deplacer|nous deplacer|assister|"
    "honorer|honorer mon rdv|honorer ce rdv|honorer le rdv|me liberer|le faire|etre des votres|faire le "
    "deplacement|maintenir|maintenir le rdv|maintenir mon rdv|respecter|etre presente|assurer|assure|assurer le rdv|assure le rdv|assurer mon rdv|assister au rdv|tenir)"
)
_THE = "(?:le |la |l |mon |ma |ce |cete |notre |votre |un |d |de |du )?"
_RDV = "(?:rdv|rendez vous|consultation|visite|passage|presence|venue|creneau|examen)"
_HE = (
    "(?:il|elle|ils|elles|maman|papa|mamie|papi|monsieur|madame|mon pere|ma mere|mon mari|ma "
    "femme|mon fils|ma file|mon epouse|mon epoux|mon enfant|mon compagnon|ma compagne|mon frere|ma "
    "soeur|ma grand mere|mon grand pere|mon conjoint|ma conjointe|mon bebe|notre fils|notre file|"
    "mon parent|mes parents|le patient|la patiente|le resident|la residente|notre resident|"
    "notre residente|resident|residente|patient|patiente|mon oncle|ma tante|mon voisin|ma voisine)"
)
_RELATIVE = _HE.replace("|monsieur|madame|", "|")
_DAY = "(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)"
_MONTH = "(?:janvier|fevrier|mars|avril|mai|juin|juilet|aout|septembre|octobre|novembre|decembre)"

PHRASES: Mapping[Sense, str] = {
    Sense.YES: """
        (?:oui|ok|yes) dispo|
        c est (?:sur|certain)|oui bien (?:compris|recu|note)|sans (?:aucune )?hesiter|bien sur oui|pourquoi pas oui|
        oui|ok|d accord|yes|emojiyes|tout a fait|absolument|exactement|exact|affirmatif|evidemment|
        bien sur|bien sur que oui|bien entendu|certainement|parfait|c est parfait|nickel|super|top|
        impec|impecable|genial|cool|go|volontiers|avec plaisir|avec grand plaisir|sans faute|
        sans aucun doute|sans hesitation|entendu|c est entendu|effectivement|en effet|correct|
        c est correct|c est exact|c est bien ca|c est ca|banco|vendu|ok doki|ca marche|sa marche|
        ca roule|sa roule|ca me va|sa me va|ca me convient|sa me convient|cela me convient|cela me va|cela me va bien|cela me va tres bien|ca me va bien|ca me va tres bien|ca me convient bien|cela nous convient|ca nous va|ca convient|
        c est bon|c est bon pour moi|c est bon pour nous|bon pour moi|ok pour moi|c est ok|
        c est d accord|tout est bon|tout bon|tout est ok|ca joue|va pour|je prends|
        100|yep|roger|positif|excelent|tres bien|fort bien|bien recu ok|ok bien recu
    """,
    Sense.CONFIRM: rf"""
        {_JE}(?:me |nous )(?:rends|rendrai|rendrons|presente|presenterai|presenterons)(?: bien)?(?: au rdv| a l hopital)?|
        {_JE}(?:vous |le |la |te |vous le |vous la )?(?:re)?confirme(?: bien)?(?: {_THE}{_RDV})?|
        {_THE}{_RDV} (?:est )?(?:bien )?(?:confirme|maintenu|valide|note)|
        {_JE}(?:y )?(?:viens|viendrai|irai|viendrons|venons)(?: bien| volontiers| toujours| sans faute)?|
        {_JE}y (?:vais|serai|serons|vas|suis|sera)(?: bien)?|
        {_JE}vais (?:bien )?(?:venir|y aller|y etre|etre la)|
        {_JE}(?:serai|serons|sera|suis|sommes)(?: bien| donc)? (?:la|present|au rdv|dispo|a l heure|ponctuel|
        presents|fidele au poste|libre|des votres|ok|d accord|partant)|
        {_JE}(?:peux|pourrai|pouvons)(?: bien)? (?:venir|y aller|y etre|etre la|etre present)|
        (?:present|presente|presents)(?: a l apel)?|{_JE}compte (?:bien )?(?:venir|y aller|y etre)|
        {_JE}(?:maintiens|maintient|maintenons|garde|conserve|honorerai|valide|accepte)(?: bien)?(?: {_THE}{_RDV})?|
        (?:vous )?(?:pouvez )?compte[rz]? sur (?:moi|nous|ma presence)|
        a (?:demain|{_DAY}|tout a l heure|tantot|ce soir|cet apres midi)|
        (?:c est )?(?:comme )?(?:prevu|convenu)|(?:j ai )?lu et aprouve|
        {_HE} (?:y )?(?:viendra|viens|vient|sera la|sera present|va venir|ira|sera au rdv|sera bien la|
        viendra bien|confirme|viendront|seront la|seront present|peux venir|pourra venir|est d accord|est ok|y sera|y va)|
        (?:sera|seront) (?:la|present|au rdv)|viendra|viendront|valide
    """,
    Sense.NOT_CANCEL: rf"""
        {_JE}{_NE}(?:l )?annulerai (?:surtout )?pas|
        {_JE}{_NE}(?:manquerai|manque) (?:surtout )?pas (?:de |d ){_COME}|
        {_JE}{_NE}(?:l |le )?annule (?:surtout )?(?:pas|rien)|{_NE}(?:surtout )?(?:pas|rien) (?:l )?annule|
        surtout n annule (?:pas|rien|plus)|pas question d annule|hors de question d annule|(?:surtout )?ne (?:surtout )?(?:pas|rien) (?:l |le )?annule(?: s il vous plait)?|
        pas (?:besoin )?(?:d |de l |de )annule|aucune annule|sans annule|
        {_JE}{_NE}(?:veux|souhaite|compte|vais|desire|voudrai) (?:surtout )?pas (?:l |le )?annule|
        {_JE}{_NE}(?:le |l )?(?:manquerai|manque|raterai|rate|louperai|loupe|oublie|oublierai) (?:surtout )?pas(?: {_THE}{_RDV})?|
        {_JE}{_NE}(?:ai |l ai )?pas oublie|j ai pas oublie|{_JE}{_NE}(?:serai|suis) pas absent|
        pas d absent|(?:il n y a |y a |j ai )?(?:pas|aucun|sans)(?: de| d)? (?:empechement|changement|contre ordre)|
        (?:il n y a |y a |y |a )?(?:pas de|aucun|zero|0|sans(?: aucun)?|pas le moindre|pas d) (?:probleme|souci|contre indication)(?: pour (?:moi|nous))?|
        (?:ne )?changez? rien|rien ne change|rien de change|{_NE}change pas
    """,
    Sense.NO: "non|emojino|absolument pas|certainement pas|pas du tout|bien sur que non|negatif",
    Sense.CANCEL: rf"""
        {_JE}{_NE}(?:me |nous )(?:rends|rendrai|rendrons|presente|presenterai|presenterons|deplacerai|deplacerons) {_PAS}(?: au rdv| a l hopital)?|{_JE}(?:dois|veux|voudrai|souhaite|suis oblige|suis contraint) (?:malheureusement |finalement |donc |helas |absolument )(?:de |d )?(?:l )?annule(?: {_THE}{_RDV})?|(?:pouvez|pouriez) vous (?:s il vous plait )?annule(?: {_THE}{_RDV})?(?: pour moi)? s il vous plait(?: \?)?|{_JE}{_NE}(?:ai )?(?:plus|pas) besoin de (?:venir|consulter|consultation)|(?:{_JE})?{_NE}?en ai plus besoin|plus besoin de (?:venir|consulter)|
        {_JE}(?:suis|serai|serons|sommes) dans l (?:impossibilite|incapacite) (?:de |d ){_COME}|(?:dans )?l impossibilite (?:de |d ){_COME}|impossibilite (?:de |d ){_COME}|(?:on|nous) {_NE}poura {_PAS} {_COME}|{_JE}(?:laisse|cede|rends|libere) (?:ma|la|le|mon|ce) (?:place|creneau)|{_JE}{_NE}(?:veux|souhaite|desire) plus (?:de |du |d )?(?:ce |cete |mon )?{_RDV}|
        vous pouvez (?:l )?annule(?: {_THE}{_RDV})?|{_JE}me vois (?:dans l obligation |oblige |contraint |force )(?:de |d )?annule(?: {_THE}{_RDV})?|{_JE}{_NE}viendra {_PAS}|{_JE}{_NE}viens finalement {_PAS}|(?:ca |ce )?(?:ne )?(?:va|sera) pas (?:etre )?possible(?: pour (?:moi|nous))?(?: (?:de |d ){_COME})?|
        {_JE}{_NE}(?:peux|pourrai|pouvons|pourrons|saurai|compte|vais|souhaite|veux|desire|arrive|
        arriverai|vois) {_PAS} (?:pouvoir )?{_COME}|
        {_JE}{_NE}(?:serai|suis|serons|sommes) (?:malheureusement )?{_PAS} en (?:mesure|capacite|etat|possibilite) (?:de |d ){_COME}|
        {_JE}{_NE}(?:y )?(?:viens|viendrai|viendrons|venons|irai|irons) {_PAS}|
        {_JE}{_NE}y (?:vais|serai|serons) {_PAS}|
        {_JE}{_NE}(?:serai|suis|serons|sommes|sera) (?:malheureusement )?{_PAS} (?:la|present|au rdv|des votres)|
        (?:pas|plus|non) (?:la|present)|
        {_JE}(?:serai|suis|serons) (?:malheureusement )?absent|absent|mon absent|
        {_JE}(?:vous )?confirme (?:mon absent|l annule|mon annule|l absent|son absent|son annule|que {_JE}{_NE}(?:viens|viendrai|serai|peux|pourrai) pas(?: venir| la| present)?)|
        {_JE}(?:dois|veux|voudrai|souhaite|souhaiterai|aimerai|desire|prefere|tiens a|viens|vais|suis oblige (?:de |d )?|suis contraint (?:de |d )?|
        suis dans l obligation (?:de |d )?|me vois contraint (?:de |d )?|demande (?:de |a |l )?|demande a)? ?(?:l |d |le |vous )?annule(?: {_THE}{_RDV})?|
        (?:pouvez|pourriez) vous (?:s il vous plait )?annule(?: {_THE}{_RDV})?|
        (?:merci|priere|veuilez|veuillez|il faut|faut|faites|je vous demande|je vous prie|je vous remercie|a) (?:bien vouloir )?(?:de |d |de bien vouloir )?(?:l |le )?annule(?: {_THE}{_RDV})?|
        (?:rdv|consultation) (?:a |est a )?annule|
        {_JE}{_NE}(?:ai|avons)? ?(?:plus|pas) besoin (?:de |du |d )(?:ce |cete |un |le |la )?{_RDV}|
        {_JE}(?:me )?(?:decomande|decomander|desiste|desister|renonce|laisse ma place|libere (?:le|mon|ce) creneau|libere ma place|laisse mon creneau|abandone)(?: {_THE}{_RDV})?|
        (?:dois |veux |souhaite )?(?:decomander|me desister)|desistement|
        (?:c est |il m est )?(?:impossible|pas possible)(?: pour (?:moi|nous))? (?:de |d |que je ){_COME}|
        (?:j ai |j ai eu |sufit )?(?:un )?(?:gros |petit )?(?:empechement)(?: de dernier[e]? minute| imprevu| majeur)?|{_JE}(?:suis|serai|serons) (?:empechement|empeche|retenu|retenue)|
        (?:c est )?mort pour (?:moi|demain|nous|{_DAY}|aujourd hui|ce rdv|le rdv|ca|cete fois)|c est mort|
        {_HE} {_NE}(?:viendra|viens|vient|ira|peux|pourra|peuvent|pourront|viendront|sera|est) {_PAS}(?: (?:la|present|dispo|au rdv|{_COME}))?|
        (?:ne |n )(?:viendra|viendront|pourra venir|sera la|ira) {_PAS}|(?:ne )?(?:peux|pourra) {_PAS} se deplacer|
        (?:non |in)transportable|n est pas transportable|(?:elle |il )?refuse de venir|{_HE} anule
    """,
    Sense.CANNOT: rf"(?:c est |il m est |ce n est )?(?:impossible|pas possible)(?: pour (?:moi|nous))?|(?:pas|plus|non) (?:dispo|libre)|indispo|indisponible|{_JE}{_NE}(?:serai|suis|serons|sommes|sera) {_PAS} (?:dispo|libre)|{_JE}(?:suis|serai|serons) (?:malheureusement )?(?:indispo|indisponible)|{_JE}{_NE}(?:peux|pourrai|pouvons|pourrons) {_PAS}|pas moyen",
    Sense.TO_CANCEL: "pour annule(?: le rdv| mon rdv)?",
    Sense.TO_CONFIRM: "pour confirme(?: le rdv| mon rdv)?",
    Sense.RESCHEDULE: rf"""
        {_JE}(?:reprendrai|reprendrais|reprendra|reprendrons|reprends|refixerai|reporterai)(?: {_THE}{_RDV})?|redonez (?:moi )?(?:une|un)?|
        au lieu (?:de|du|d)|
        (?:re)?(?:deplacer|deplace|decaler|decale|reporter|reporte|repousser|repouse|repouser|avancer|modifier|modifie|
        reprogrammer|reprogramer|replanifier|recaler|reprendre|echanger|invertir|decalage|report)(?: {_THE}{_RDV})?|
        change[rz]?(?: {_THE}(?:rdv|date|heure|jour|horaire|creneau))?|changement (?:de |d )?(?:rdv|date|heure|jour|horaire|creneau)|
        (?:un |une |d |a un |a une |pour un |pour une )?autres? (?:rdv|date|jour|heure|creneau|moment|horaire|fois|dates|jours|dispo|disponibilite|semaine|jour s il vous plait)|
        nouve(?:au|le|l|lle|aux|les) (?:rdv|date|creneau|horaire|dates)|
        (?:un peu )?plus (?:tot|tard)|ulterieur|ulterieurement|plutot|une place|des places|un creneau|de la place|
        (?:la )?semaine (?:prochaine|suivante|d apres|apres)|le mois prochain|mois prochain|
        {_JE}(?:prefere|preferai|prefererai)(?: {_DAY})?|vos (?:dispo|disponibilites|disponibilite)|quand (?:etes vous|seriez vous)|
        pas (?:avant|apres)|(?:avant|apres|a partir de|des) \d\w*|un autre|une autre|remetre|remettez|
        proposer? (?:moi )?(?:une|un|d)|proposez (?:moi)?|possibilite d autre|ailleurs|a une date|fixer|refixer|rappelez moi pour
    """,
    Sense.QUESTION: r"""
        aret de (?:bus|tram|tramway|metro|car)|
        quel|quelle|quels|quelle heure|kel|a quel|(?:c est |ce |de )?qui|qui est ce|c est qui|c est ou|ou (?:est|se|dois|aller|faut|ca|c est|garer)|
        c est quoi|quoi|quand|combien|coment|comment|pourquoi|est ce que|est ce|faut il|faut il que|il faut|faut|dois je|doit on|
        (?:puis|peux) (?:je|on)|peux t on|je peux(?: t il)?|pourrai je|pouvez vous|pourriez vous|avez vous|y a t il|a jeun|
        je dois|dois|apporter|emmener|ramener|sera t il|c est bien|c est pour|savoir|besoin de savoir|connaitre|renseignement|
        que (?:dois|faut|faire)|lieu|adresse|parking|garer|ordonance|mutuele|prise de sang|radio|radios|irm|
        acompagne|acompagner|bonne heure ou|duree|dure|
        what|who|where|when|how|which|why|can i|do i|should i|is it|donde|cuando|que hora|quien|onde|quando|que horas|nerede|ne zaman|kac|kim|unde|cand|
        اين|متي|كيف|من انت|هل|где|когда|кто|wo|wann|wer
    """,
    Sense.STOP: rf"""
        (?:aret|arete|aretez|areter|cesez|ceser) (?:s il vous plait )?(?:de |d )?(?:m |me |nous )(?:envoyer|envoye)(?: (?:des |de |ces |vos |les )?(?:message|rappels?|mesages|sms))?|
        {_NE}(?:m |me |nous )envoyez plus (?:rien|de rien)|(?:je veux |veux )plus (?:de |aucun )(?:message|rappels?)|{_JE}{_NE}veux (?:pas|plus) (?:de |d )rapels?(?: par message)?|
        (?:desactiver|desactivez|suspendre|suspendez|stoper|stopez) (?:les |vos |ces |l envoi (?:de |des ))?(?:message|rappels?|rapels?|envois|notifications)(?: message)?|laise[rz]? (?:moi|nous) tranquile?s?(?: avec (?:vos |ces )?(?:message|rapels?))?|
        (?:merci |priere |veuilez )(?:de |d )?ne plus (?:me |nous |m )(?:contacter|ecrire|envoyer|deranger|relancer)(?: (?:de |d )?(?:message|rapels?))?(?: par message)?|(?:me )?desaboner de (?:ces |vos |tout ces )(?:message|rapels?|envois)|
        ^(?:svp )?stop(?:ez|er)(?: tout)?(?: s il vous plait)?(?: merci)?$|stop (?:spams?|pubs|texting me|texts)|{_JE}{_NE}(?:veux|souhaite|desire) plus rien recevoir(?: de vous| de votre part)?|(?:me |m )(?:retirer|enlever|suprimer|rayer) (?:de )?(?:vos|votre|la|cete) (?:listes?|fichiers?|base)|unsubscribe me|remove (?:me|my number)(?: from (?:your|the|this) list)?|
        (?:svp )?stop(?: (?:a |aux |les |vos |tout |tous |ces )?(?:pub|all|moi|definitif|definitivement|imediat|message|rappels?|rapels?|envois|it|merci|it please))*(?: (?:au |a )?\d{{5}})?|{_JE}(?:veux |souhaite |voudrai |desire |demande a |demande |prefere )?(?:a |de )?(?:me |m |etre )?(?:desinscri\w*|desabo\w*)|(?:merci|veuilez|veuillez|priere|pouvez vous|il faut) (?:de )?(?:bien vouloir )?(?:me |m |nous )(?:desinscri\w*|desabo\w*|retirer|enlever|suprimer)(?: (?:de )?(?:vos|votre|la|cete) (?:listes?|fichiers?|base))?|{_NE}plus (?:m |me |nous )?(?:envoyer|ecrire|contacter|solliciter)(?: (?:de |des |d |vos |ces |aucun )?(?:message|rappels?|sms))?|{_JE}refuse (?:de recevoir |d avoir )?(?:de |des |les |vos |ces )?(?:message|rappels?|relances)|{_JE}{_NE}(?:veux|souhaite|desire) (?:plus|pas) etre (?:contacte|relance|sollicite|derange|soliciter)e? par (?:message|telephone|mail|ce moyen)|(?:i )?(?:don t|do not|dont) (?:want|send|text|contact|mesage|message)(?: me)?(?: (?:these|those|any more|any|more|your|anymore))*(?: (?:texts?|message|mesages|reminders?))?|(?:please )?stop (?:sending|contacting|writing|messaging|mesaging)(?: me)?(?: (?:these|texts?|message|mesages))*|^aret(?:e|er|ez)(?: tout)?(?: s il vous plait)?(?: merci)?$|s t o p|
        stop|(?:stop|arret|arreter|fin|halte) (?:sms|message|rappel|rappels|aux? (?:sms|message)|les sms|les message|les rappels|au \d+|tout)|
        stop au \d+|arret(?: des)?(?: message| rappels| sms| envois)?|
        (?:arret|arrete|arretez|arreter|cesez|ceser|cessez|stoper|stopez) (?:de |d |s il vous plait de )?(?:m |me |nous )?(?:envoyer|envoye|contacter|ecrire|relancer|harceler|deranger|solliciter|soliciter|spamer|embeter)(?: (?:des |de |ces |vos |les )?(?:message|rappels|mesages|sms))?|
        (?:arret|arrete|arretez|arreter|cessez|cesez|stopez|stoper) (?:avec )?(?:tout )?(?:vos|les|ces|ce|c|des) (?:message|rappels|envois|relances|spams|spam|notifications|mails|pub|pubs)|
        desinscription|desinscrire|me desinscrire|desincription|desinscrivez(?: moi)?|desinscris|desinscrit|desinscrive|desabonement|desaboner|desabonez(?: moi)?|desabone|me desaboner|desabo|
        {_NE}(?:plus|pas) (?:jamais )?(?:recevoir|m envoyer|me contacter|m ecrire|etre contacte|etre relance|m envoye|nous envoyer|de message|de sms|de rappel|de rappels|me deranger|etre derange)(?: (?:de |d |vos |ces |les )?(?:message|rappels|sms|rappel|notifications))?|
        {_JE}{_NE}(?:veux|souhaite|desire|voudrai|souhaiterai) (?:plus|pas|plus jamais) (?:de vos |de ces |d autres |de |d |etre |recevoir (?:de |d |vos |ces |les )?|vos |ces )(?:message|rappels|rappel|sms|contacte|relance|notifications|mails)?|
        {_JE}{_NE}(?:veux|souhaite|desire|voudrai|souhaiterai) (?:plus|pas|plus jamais) recevoir(?: (?:de |d |vos |ces |les )?(?:message|rappels|rappel|sms))?|
        (?:ne |n |me )?(?:m |me |nous )?(?:envoyez|envoye|envoies|ecrivez|contactez|derangez|relancez) (?:plus|pas|plus jamais)(?: (?:rien|de message|de rappels|de sms))?|
        plus de message|plus de rappel[s]?|pas de message|plus aucun message|aucun message|
        (?:suprimez|suprimer|suprime|effacez|efacez|efacer|retirez|retirer|enlevez|enlever|otez|rayez)(?: moi)?(?: (?:mon|mes|de|ce|vos|votre|la|les|cete|notre|numero|coordonees|donees|liste|listes|fichier|fichiers|base|envois|listing|repertoire))+|
        retirez moi|enlevez moi|suprimez moi|rayez moi|opposition|je m oppose(?: a (?:ces|vos|l envoi (?:de|des)) (?:message|sms|rappels))?|
        unsubscribe|opt out|optout|remove me|no more (?:text|texts|message|mesages)|stop (?:text|texting|texts|mesaging)|
        parar|darse de baja|baja|basta|no quiero recibir|nao quero receber|cancelar inscricao|durdur|mesaj atmayin|istemiyorum mesaj|dezabonare|opreste|
        no mas (?:mensajes|message|sms)|parem? de (?:enviar|mandar)(?: mensagens?| message)?|mesaj (?:gondermeyin|gonderme|atmayin|atma|istemiyorum)|хватит(?: присылать| писать)?(?: сообщения)?|не (?:пишите|присылайте)(?: мне)?(?: сообщения)?|توقفوا عن ارسال الرسائل|توقف عن ارسال الرسائل|لا ترسلوا(?: الرسائل)?|توقف|الغاء الاشتراك|اوقف|قف|стоп|отписаться|отпишите
    """,
    Sense.START: rf"""
        reprise (?:de |des |d )?(?:l envoi des )?(?:message|rappels|rapels|envois)|
        start|(?:{_JE})?(?:veux|souhaite|voudrai|accepte de|accepte) (?:bien |de nouveau |a nouveau |encore )?(?:re)?recevoir (?:de nouveau |a nouveau )?(?:les |des |vos |mes |ces )?(?:message|rappels|rappel|sms)(?: de rappel)?|
        (?:reprendre|reprenez|reactiver|reactivez|remetre|remetez|relancer|retablir|retablissez|renvoyez|recommencez|recomencez) (?:moi )?(?:l envoi (?:de |des )|a m envoyer |les |des |mes |vos )?(?:message|rappels|rappel|sms|envois|abonement)|
        reabonement|reaboner|reabonez moi|reabonez|me reaboner|reinscription|reinscrire|reinscrivez moi|me reinscrire|unstop|resume|subscribe
    """,
    Sense.WRONG: rf"""
        {_JE}{_NE}m apele pas(?: \w+)?(?: ca| \w+)?|{_JE}{_NE}suis pas (?:cete dame|ce monsieur|cet homme|cete femme|ce patient|cete patiente)|inconu(?:e)? (?:a ce numero|au numero|ici|chez nous)|(?:i m|i am|im) not (?:the|this|that|your) (?:patient|person|one)|(?:i m|i am|im) not (?:him|her)|no soy (?:yo|esa persona|el paciente|la paciente)|
        {_JE}{_NE}suis pas (?:la|le) bone? (?:personne|persone|destinataire|contact|numero|patient)|(?:il )?(?:n )?y a (?:pas|personne|aucun|aucune) (?:de |d )?(?:madame|monsieur|ce nom|persone de ce nom|qui s apele)(?: \w+)?(?: ici| a ce numero)?|(?:personne|persone|pas) (?:de|a) ce nom(?: ici)?|pas concernee?|(?:ne |n )?m est pas (?:destine|adresse)e?|pas (?:destine|adresse)e? a moi|pas (?:la|le) bone? (?:personne|persone)|
        {_JE}{_NE}(?:le |la )?conais (?:personne|pas du tout)(?: (?:de|a) ce (?:nom|numero))?|(?:vous )?(?:avez du|devez) vous (?:etre )?tromper?(?: de (?:numero|personne|destinataire))?|(?:vous )?(?:n )?etes pas (?:sur |chez |au )(?:le |la )?(?:bon|bonne) (?:numero|personne|adresse|destinataire|telephone)|
        (?:c est (?:un |le )?|vous avez (?:le |un )?|vous etes sur (?:le |un )?|vous avez fait (?:un )?)?(?:mauvais|faux) (?:numero|destinataire|correspondant|contact|patient)|
        mauvaise personne|erreur (?:de |sur le |sur la )(?:numero|destinataire|personne|correspondant|patient|nom|telephone)|numero erone|erreur|
        (?:c est |il y a )?(?:une |un )?erreur(?: de numero| de destinataire| de personne)?|
        vous (?:faites|avez fait|faite) (?:une )?erreur|vous vous (?:etes )?trompe[zrs]?(?: de (?:numero|personne|destinataire))?|trompe de (?:numero|personne|destinataire)|
        pas le bon (?:numero|destinataire|contact)|pas la bonne personne|(?:c est |ce n est )?pas (?:pour )?(?:moi|mon rdv|mon numero|le numero de|la personne|son numero)|
        {_JE}{_NE}suis pas (?:monsieur|madame|mle|mademoiselle|cete personne|la personne|le patient|la patiente|concerne|concernee|celui|celle|le destinataire|votre patient|votre patiente)(?: \w+)?|
        {_JE}{_NE}(?:le |la )?conais pas(?: (?:cete personne|ce nom|ce monsieur|cete dame|madame|monsieur)(?: \w+)?)?|conait pas|
        {_JE}{_NE}(?:ai |avons )?(?:pas|aucun|jamais)(?: pris| eu| demande)?(?: de| d| un)? rdv(?: (?:chez vous|avec vous|prevu|dans votre hopital|a l hopital|ce jour))?|j ai pas (?:pris )?(?:de |un )?rdv(?: chez vous)?|j ai aucun rdv|
        {_JE}{_NE}ai jamais pris (?:de |un |ce )?rdv|(?:ce |c )?numero (?:n est|est) pas (?:le sien|a elle|a lui|celui)(?: de \w+ ?\w*)?|
        wrong (?:number|person)|not me|i am not|numero equivocado|se equivoca|equivocado|numero errado|engano|foi engano|
        yanlis (?:numara|kisi)|numar gresit|ati gresit|falsche numer|numero sbagliato|الرقم (?:خطا|غلط)|رقم (?:خاطئ|خطا|غلط)|غلطان|ошиблись|не туда|не тот номер
    """,
    Sense.LATE: rf"""
        {_JE}{_NE}(?:serai|suis|serons|pourai|peux|viens|viendrai|ariverai|arive) {_PAS} (?:etre |venir )?(?:la |present )?(?:a l heure|pile)|
        {_JE}suis (?:deja |bien )?(?:sur (?:le|votre) parking|au parking|a l entree|dans le hal|devant (?:l hopital|l entree|la porte|le batiment)|en sale d atente)|{_JE}(?:arriverai|ariverai|ariverais|serai la) (?:un peu )?(?:plus tard|apres)|
        (?:en |un peu en |avec du |du |avec un peu de |leger |petit |gros )?retard(?: de)?(?: \d+\w*)?(?: (?:min|mn|minutes?|minute|heures?))?|retarde|retardee|
        {_JE}arive(?: (?:dans|avec|vers|bientot|tout de suite|de suite|en))?|en (?:route|chemin)|sur la route|{_JE}suis en (?:route|chemin)|bouchon|bouchons|embouteilage|embouteilages|
        dans (?:\d+|quelque|cinq|dix|quinze|vingt) ?(?:min|mn|minutes?|m)|(?:\d+) ?(?:min|mn|minutes?)(?: de retard)?|
        (?:je suis )?(?:bloque|coince)e?(?: dans)?|{_JE}(?:cherche|trouve pas) (?:une place|a me garer|le parking|l entree|la salle)|
        {_JE}suis (?:deja )?(?:la|devant|arive|sur place|dans la salle|au parking|en bas|a l accueil|a l acueil)(?: d attente)? (?:depuis|mais|devant|ou)|je viens d ariver|je suis arive|
        running late|late|on my way|delayed|stuck|llego tarde|tarde|en camino|atrasado|atrasada|a caminho|gec kalacagim|gec|yoldayim|intarzii|pe drum|
        متاخر|ساتاخر|في الطريق|опаздываю|опоздаю|в пробке|spat|verspatung|ritardo
    """,
    Sense.MEDICAL: r"""
        (?:j ai |ai )?eu (?:tres |trop )?mal|
        tremble|j ai (?:38|39|40|41)(?: \d)?|faire une betise|me faire du mal|
        tete qui tourne|(?:ne )?bouge(?:nt)? plus|(?:arive|arrive|peux) plus (?:a |de )?(?:marcher|bouger|respirer|avaler|manger|me lever|parler|voir)|vois plus|pers? du sang|
        suicid\w*|(?:pensees?|idees?) (?:suicid\w*|noires?)|(?:je )?(?:me |m )?sens (?:tres |trop |vraiment |super |extremement )?mal|(?:je )?(?:ne |n )?(?:me |m )?sens (?:vraiment )?pas (?:tres |du tout |trop )?bien|(?:je )?suis (?:tres |vraiment )?mal|
        arret cardiaque|        douleurs?|(?:tres |trop |super )?mal (?:a |au |aux |dans |partout|de |en )\w*(?: \w+)?|j ai (?:tres |trop |super |vraiment |encore |toujours )?mal|saigne|saignement|saignements|sang(?: dans)?|hemoragie|
        fievre|\d\d(?:[,. ] ?\d)? de (?:fievre|temperature)|temperature|malaise|etoufe|etoufer|respirer|respire|respiration|esouffle|esoufle|essouflee|vomi|vomis|vomisements?|
        urgence|aux urgences|les urgences|samu|pompiers|suicide|suicidaire|me suicider|me tuer|mourir|en finir|envie de mourir|plus envie de vivre|idees noires|me faire du mal|je n en peux plus|j en peux plus|
        brulure|brule|infection|infecte|pus|pansement|cicatrice|plaie|gonfle|gonflee|enfle|oedeme|evanoui|evanouie|conait plus|convulsion|convulsions|crise|tombe(?:e)?|chute|contraction|contractions|perdu les eaux|perte des eaux|pertes|
        paralyse|paralysee|alergie|alergique|effets? secondaires?|surdose|trop de (?:medicaments|comprimes)|avc|infarctus|coeur|poitrine|vertiges?|tension|migraine|suinte|suintement|coule|sent mauvais|drain|sonde|points|
        (?:je )?(?:sens|sent) plus|inconscient|inconsciente|detresse|aidez moi|au secours|help me|emergency|bleeding|chest pain|pain|sangrando|dolor|dor|agri|kanama|kaniyor|durere|sangerare|نزيف|الم|schmerzen|боль|кровь
    """,
    Sense.DECEASED: rf"""
        (?:est |sont )?partie? (?:rejoindre|retrouver) (?:les anges|son mari|sa femme|mon pere|ma mere|dieu)|rejoint les anges|monte(?:e)? au ciel|au ciel|
        dcd|dcde|dcds|est dcd|
        {_HE} (?:n )?est plus(?: de ce monde| la| parmi nous)?|
        decede|decedee|deces|est mort(?:e)?|il est mort|elle est morte|(?:nous )?a (?:quites|quite|quitee)|nous a quites|est parti(?:e)? (?:au ciel|hier|ce matin|la semaine derniere|pour toujours)|n est plus(?: de ce monde| la| parmi nous)?|
        defunt|defunte|obseques|enterement|funerailes|deuil|condoleances|morte|mort (?:le|en|depuis|hier)|feu (?:mon|ma)|
        passed away|died|dead|deceased|falecido|faleceu|morreu|falecio|ha muerto|murio|vefat|oldu vefat|oldu|a decedat|a murit|e mort|توفي|توفيت|مات|умер|умерла|verstorben|gestorben
    """,
    Sense.TRANSPORT: r"""
        vsl|(?:vsl|ambulance|taxi|transport) (?:est |deja |bien |a ete )*(?:comande|reserve|prevu|organise|confirme|ok|bon)|ambulances?|ambulancier|taxi|taxis|transports?(?: sanitaire)?|bon de transport|voiture|vehicule|chauffeur|conduire|conduit|bus|train|navete|moyen de (?:transport|venir|locomotion)|moyen|permis|
        venir me chercher|me chercher|vient me chercher|m emener|m amener|m acompagner|transporter|transporteur
    """,
    Sense.TROUBLE: r"""
        (?:pas|plus|aucun|aucune|sans)(?: de| d)? (?:vsl|ambulance|taxi|transport|voiture|vehicule|moyen|chauffeur|bus|train|reserve|commande|prevu|confirme)\w*(?: de transport| de locomotion| de venir)?|
        (?:n est |est )?pas (?:reserve|commande|prevu|organise|confirme|venu|arive)e?|besoin (?:d |de |du |d un )\w*(?: \w+)?|en pane|pane|greve|ne vient pas|ne viens pas me chercher|qui (?:apele|apelle|reserve|commande|s ocupe|paie)
    """,
    Sense.PROXY: rf"""
        (?:foyer|residence|ime|mas|esat|ehpad|ssiad|had|clinique|maison de retraite) \w+(?= \.)|
        {_JE}(?:l |le |la |les )acompagne(?:rai)?|
        (?:je suis|ici|c est|de la part de|moi c est)? ?(?:sa |son |la |le |l |une |un |leur )?(?:tutrice|tuteur|curateur|curatrice|mandataire|aidant|aidante|file de|fils de|infirmiere|infirmier|aide soignante|auxiliaire de vie|auxiliaire|educateur|educatrice|secretaire|ide|ehpad|maison de retraite|foyer|residence|esat|mas|had|ssiad|ehpad \w+)|
        (?:je suis|c est|ici) (?:sa|son|leur|le|la) (?:file|fils|mere|pere|femme|mari|epouse|epoux|soeur|frere|maman|papa|petite file|petit fils|niece|neveu|compagne|compagnon|conjoint|conjointe|voisine|voisin|belle file|gendre)(?: (?:de|d) \w+)?|
        pour (?:ma|mon|notre|sa|son) (?:mere|pere|fils|file|mari|femme|epouse|epoux|enfant|bebe|soeur|frere|maman|papa|grand mere|grand pere|compagnon|compagne)|
        {_RELATIVE}|ma mere|mon pere|de (?:ma mere|mon pere|mon fils|ma file|mon mari|ma femme)
    """,
    Sense.ALREADY: rf"""
        (?:c est |ca a ete |cela est )(?:bien |donc )?annule|
        annule par (?:le |la |l |mon |ma )?(?:docteur|medecin|hopital|secretaire|secretariat|clinique|service)|
        deja (?:\w+ )?(?:annule|venu|venue|passe|passee|fait|faite|vu|vue|confirme|deplace|decale|modifie|reporte|ete|prevenu|apele|telephone|repondu|consulte|dit|signale|rapele|change|donne)|
        {_JE}{_NE}?(?:l )?ai (?:deja )?(?:annule|apele|telephone|prevenu|signale)(?: (?:hier|ce matin|par telephone|lundi|mardi|mercredi|jeudi|vendredi))?|j avais (?:deja )?annule|nous avons (?:deja )?annule|on a (?:deja )?annule|
        (?:a |avait |ont |avez |est |etait |a deja |est deja )(?:ete |deja |ete deja )?annule(?: par)?|vous (?:l )?avez (?:deja )?(?:annule|deplace|reporte)|
        annule (?:par (?:telephone|mail|l hopital|vous|vos soins|le medecin|docteur)|hier|la semaine derniere|ce matin|depuis)(?: hier)?|already (?:canceled|cancelled|came|done|been)|plus de rdv
    """,
    Sense.THANKS: r"""
        mesi|mesi anpil|
        (?:c est )?bien compris|message (?:bien )?compris|
        merci(?: beaucoup| bien| infiniment| d avance| a vous| encore| mille fois| bcp| pour (?:le |l |votre |la |ce |cete )?(?:rappel|message|info|information|confirme|rapel|attention))?|(?:je )?(?:vous )?remercie|mile merci|grand merci|
        (?:c est |c )?(?:bien )?(?:recu|note|lu|vu)(?: 5 5| cinq sur cinq)?|(?:j ai )?(?:bien )?(?:recu|pris note|note)(?: (?:le|votre|l) (?:message|rappel|rapel|info|rdv))?|message recu|j en prends note|je prends note|pris en compte|
        merci de (?:me le |nous le |le )(?:rapeler|rapele|redire)|merci (?:de |d )(?:m avoir |nous avoir )?(?:prevenu|rapele|averti|prevenir)|thank you(?: very much)?|thank|thx|ty|thanks a lot|cheers|gracias|muchas gracias|obrigad[oa]|muito obrigad[oa]|tesekurler|tesekur ederim|sagol|multumesc|mersi|danke|grazie|شكرا(?: لك| لكم| جزيلا)?|merci chokran|choukran|chokran|chukran|спасибо
    """,
    Sense.COMPLAINT: r"""
        (?:j ai |on a )?atendu|inadmissible|honte|honteux|scandale|scandaleux|injoignables?|robots?|harcelement|harcele|marre|ras le bol|personne ne (?:repond|repons|decroche)|ne repond(?:ez)?|repond jamais|plainte|reclamation|
        inaceptable|lamentable|nul|nulle|foutez|foutre|connards?|merde|chier|salauds?|bandes? de|arnaque|voleurs|incompetents?|impoli|desagreable|mal recu|mal acueilli|deux heures d attente|\d+ ?h(?:eures?)? d atente|atente|mecontent|
        toujours en retard|joindre|impossible de (?:vous )?joindre|ridicule|foutage|abuse|abuser|derniere fois|troisieme fois|x fois|chaque fois|service pourri|pourri|usine
    """,
    Sense.AUTOMATIC: r"""
        (?:message|reponse|ceci est un message|ceci est une reponse) automatique|automatique|auto reply|automatic reply|automated|out of office|absent du bureau|repondeur|boite vocale|
        (?:je suis |actuelement )?(?:en conduite|au volant|en train de conduire)|je conduis(?: actuelement)?|i m driving|i am driving|driving|ne pas repondre a ce message|mode (?:conduite|avion|ne pas deranger)|
        (?:ne pas )?deranger active
    """,
    Sense.REASSIGNED: r"""
        reatribue|a ete (?:atribue|donne) a|(?:c est |ce )?n est plus (?:le |son )?numero(?: de)?|
        (?:a |avez |j ai )?change (?:de )?numero|(?:n est|est) plus (?:attribue|en service|valide|joignable|son numero|le numero)|numero (?:n est plus|plus|inconnu|desactive|resilie|non attribue)|nouveau (?:numero|correspondant)|numero a change|n habite plus|plus son numero|plus le numero
    """,
    Sense.UNSURE: rf"""
        {_JE}(?:stop|stope|stopes|aret|arete) (?:le |mon |ma |les |mes |de )?(?:traitement|medicaments?|comprimes?|tabac|fumer)|
        pour (?:ca|cela|lui|elle|vous|eux|rien)|
        (?:merci|veuilez|veuillez|pouvez vous|pourriez vous|pouvez|priere) (?:de |bien )?(?:vouloir )?(?:me |nous |m )?(?:le |la )?(?:re)?confirme|confirme (?:moi|nous)(?: \w+)?|{_JE}(?:vous |le )?confirme(?:rai|rais|rons)(?: \w+)?|{_JE}atends (?:la |votre |une )?confirme|
        (?:i )?(?:can t|cannot|cant|can not|won t|don t want to|do not want to|will not|never|didn t|did not) cancel(?:led|ed)?(?: (?:my|the|this) apointment| it)?|
        {_JE}{_NE}(?:peux|pourrai|pouvons|arrive|arriverai|parviens) {_PAS} (?:a )?(?:l |le )?annule(?: {_THE}{_RDV})?|
        peux etre|normalement|en principe|theoriquement|en theorie|{_JE}pense(?: que)?|{_JE}crois(?: que)?|{_JE}{_NE}(?:sais|sait) (?:pas|plus)(?: encore)?|sais pas|je sais|si|sauf|excepte|a voir|on verra|{_JE}verai|{_JE}vais voir|voir|on vera|
        pas (?:sur|sure|certain|certaine|encore|forcement|d accord|confirme|tout de suite|maintenant|trop|bien|compris|clair|trouve)|{_JE}(?:vais )?(?:esaye|esaie|esayer|esaierai|esayerai)(?: de)?(?: {_COME})?|{_JE}espere(?: {_COME}| etre la)?|probablement|sans doute|surement|possible|possiblement|eventuelement|
        sous reserve|dans la mesure|en cas|des que|tant que|{_JE}{_NE}confirme pas|{_JE}(?:vous )?(?:rapele|rapelle|rapelerai|redis|recontacte|tiens (?:au courant|informe)|dirai|reviens vers)|(?:merci de )?(?:me |m )(?:rapeler|apeler|rapelez|apelez|joindre|telephoner)|rapelez(?: moi)?|apelez(?: moi)?|{_JE}(?:suis |serai )?absent (?:jusqu|du|de)(?: au| a)?(?: \d+)?|j atends|en atente|a confirme|pourquoi pas|bof|mouais|hum|hm|euh|heu|
        puis|ou|ni|presque|seulement|uniquement|que si|a condition|condition|depend|je viens (?:de|d)|a moins|quasi|plus ou moins|faut voir|hesite|doute|au cas|encore|idem|pareil|dites moi|\.|
        je n? ?ai pas compris|comprends pas|compris|comprend pas|ignore|maybe|perhaps|not sure|i think|i hope|quizas|tal vez|creo|talvez|acho|belki|sanirim|poate|cred|ربما|لا افهم|لا اعرف|может|наверное|не знаю|vieleicht|forse
    """,
    Sense.BUT: "mais|par contre|cependant|toutefois|juste|neanmoins|but|pero|mas|ama|fakat|dar|insa|لكن|но|aber|ma pero",
    Sense.SEVERAL: r"""
        (?:j |je )?(?:dois |veux |voudrai |souhaite )?annule (?:tout )?(?:les|mes|ces|nos)(?: (?:deux|2|trois|3))?(?: prochains| autres)? rdv|annule (?:le|celui|la) (?:premier|second|deuxieme|dernier|1er|2eme|du|de)|
        (?:pour )?(?:les|mes|ces|tout les|les tout) (?:deux|2|trois|3|tout|rdv)(?: rdv)?|(?:pour )?le (?:premier|second|deuxieme|troisieme|dernier|1er|2eme|2e|3e)(?: rdv)?|la (?:premiere|deuxieme|seconde)|lequel|lesquels|laquele|lequels|
        tout(?: les| mes| ces)? rdv|tout|l un|l autre|celui(?: du| de| la)?|un des|both|the first|the second|either|los dos|ambos|os dois|ikisi|ambele
    """,
    Sense.REASON: rf"""
        (?:je suis |suis )?positi(?:f|ve) (?:au |a la )?covid|covid positif|je bosse|bosse|
        (?:pour )?(?:cause|raisons?|motifs?)(?: de| d)? ?(?:maladie|sante|travail|personeles?|familiales?|profesioneles?|medicales?|transport|voyage|conges?|demenagement)|maladie|gueri|guerie|(?:je )?suis gueri|
        {_JE}(?:serai|suis|sera|sommes|serons|pars|part) (?:en |a l |au |chez )(?:vacances|deplacement|voyage|formation|conges?|stage|week end|etranger|travail|boulot|cours|reunion|deuil|mer|montagne)|
        (?:en |mon |un |d )aret(?: de travail| maladie| de maladie)?|
        {_JE}travail(?:e|lerai|ons|erai)?(?: ce jour(?: la)?)?|travail|boulot|taf|job|(?:au|du|de|mon) (?:travail|boulot)|malade|souffrant|soufrante|souffrante|grippe|gripe|covid|gastro|angine|rhume|bronchite|
        (?:en |les |des )?vacances|en (?:deplacement|voyage|formation|conges?|stage|week end)|deplacement|a l etranger|(?:la )?garde(?: d enfants?| des enfants| de mes enfants)?|(?:mon |mes |un )?enfants?(?: malades?)?|hospitalise|hospitalisee|hospitalisation|
        raisons?(?: de| d)?(?: sante| travail| personel(?:le|les|s)?| famili(?:al|ale|ales|aux)| profesion(?:el|ele|eles|elle|elles)| medicale)?|probleme(?:s)?(?: de| d)?(?: sante| garde| personel| familial| famille| travail| voiture| transport| perso)?|familial|familiale|famille|personel|perso|obligations?(?: profesioneles?| familiales?)?|contraintes?|
        (?:un )?imprevu|urgence (?:familiale|profesionele|au travail|perso)|pas (?:le |eu le )?temps|j ai oublie|oublie|oubli|aret (?:de )?(?:maladie|travail)|car|parce que|parce qu|a cause (?:de|du|d)|cause|en raison (?:de|du|d)|suite (?:a|au)|du fait|comme je|puisque|donc|
        (?:j ai )?(?:un )?autre engagement|autre chose|pas en france|je vais mieux|(?:ca|sa) va mieux|plus mal|plus besoin|plus la peine|plus necesaire|trouve ailleurs|(?:j ai )?(?:ete )?(?:deja )?(?:vu|consulte) (?:ailleurs|un autre medecin|un autre docteur)|
        demenage|trop loin|loin|trop cher|reunion|examen(?: scolaire)?|ecole|cours|mariage|accident|accidente|confine|isolement|cas contact|cas de force majeure|force majeure|bloque(?:e)? a la maison|dernier[e]? minute|de dernier[e]? minute|retenu(?:e)?
    """,
    Sense.GOD_WILLING: "inshalah|inshala|inchala|nchalah|inshaalah|incha lah|si dieu veu[tx]|si dieu le veu[tx]|inchallah|inchalah|incha allah|inch allah|si dieu le veux|si dieu veux|ان شاء الله|insallah|insalah|ojala|se deus quiser|hamdoulah|hamdoullah",
    Sense.SAD: r"(?:je suis |toutes mes |mille )?(?:desole|merci|pardon|excuses?|excusez moi|navre|malheureusement|regrete)(?: ,)? mais|sorry but|perdon pero|desculpe mas|sadface|desole|(?:je suis |toutes mes |mes |avec mes |tout mes |mes sinceres )?(?:excuses?|excuse)|excusez?(?: moi| nous| m en)?|je m(?: en)? excuse|pardon|malheureusement|helas|finalement|tant pis|dommage|sorry|i m sorry|je regrette|regrete|a regret|lo siento|desculpe|ozur dilerim|uzgunum|imi pare rau|اسف|اسفه|извините|leider|entschuldigung",
    Sense.WHEN: rf"""
        (?:ce |cet |cete |le |l |demain |du |au |en |dans la |dans l |pour le |la |avant |fin de )?(?:matin|matine|soir|soire|apres midi|midi|journe)(?: la)?|(?:a )?(?:cet?e? |l |d )?heures?(?: la| ci)?|heure|
        (?:le |ce |du |pour le |au |de |pour |la |les )?{_DAY}(?: prochain)?(?: matin| apres midi| soir)?(?: \d{{1,2}}(?:er)?)?(?: {_MONTH})?(?: 20\d\d)?|(?:le |du |au |pour le )?\d{{1,2}}(?:er)? {_MONTH}(?: 20\d\d)?|{_MONTH}|
        (?:a |vers |pour |de |pour le |le |du |au )?\d{{1,2}} ?h(?: ?\d\d)?(?: precises?)?|(?:a |vers |pour |de )?\d{{1,2}} heures?(?: \d\d)?|(?:le |du |pour le |au )?\d{{1,2}} \d{{1,2}}|le \d{{1,2}}|midi
    """,
    Sense.TOMORROW: "(?:pour |de )?(?:demain|aujourd hui|tomorrow|today|manana|hoy|amanha|hoje|yarin|bugun|maine|azi|morgen|heute|domani|غدا|اليوم|завтра|сегодня)",
    Sense.FILLER: rf"""
        par (?:message|mail|courriel)|ces|
        signature|{_JE}me permets (?:de )?(?:vous )?(?:ecrire|contacter|repondre|informer|prevenir|relancer)?(?: que| pour)?|mesye|sinora|senora|senor|klar|
        {_JE}(?:tiens a |voulais |souhaite |voudrai |viens |dois )(?:vous |te )(?:informer|prevenir|signaler|dire|avertir|faire savoir)(?: que| qu)?|{_JE}(?:vous |te )(?:informe|previens|signale|dis|avertis|avise|ecris|annonce|fais savoir)(?: que| qu| pour)?|tkt|c est pour (?:vous )?(?:dire|prevenir|signaler)(?: que| qu)?|chef|avec (?:ma|mon|mes|le|la|les) (?:radios?|examens?|analyses?|resultats?|irm|scaner|dossier|mutuele|carnet|bilan|courier|letre)|at \d{{1,2}}(?:h\d\d)?(?: am| pm| o clock)?|
        (?:pas|plus) (?:besoin|utile|la peine) (?:de |d |d un |du |de me |de m )(?:autres? )?(?:rapel|rapels|message|relance|apeler|rapeler)|(?:ne )?vous (?:en )?inquietez pas|(?:ne )?t inquiete pas|pas d inquietude|soyez sans crainte|(?:s il|sil|si) (?:vous|te) plait|
        repondez|bonjour|madame|monsieur|(?:ce |cete )?jour(?: la)?|mesdames|mesieurs|mademoisele|mle|docteur|s il vous plait|s il te plait|de rien|je vous en prie|
        (?:tres )?(?:bonne|bon|bone|belle|bele|excelente) (?:journe|journee|soire|soiree|apres midi|week end|fin de journe|reception|semaine|nuit|continuation|we)(?: a vous| a tous| egalement| aussi)?|a bientot|au revoir|a plus|a vous(?: aussi)?|bonne|bisous|bises|
        pour|le|la|les|l|de|du|d|des|au|aux|a|et|en|ce|c|cete|cet|mon|ma|mes|votre|vos|notre|nos|un|une|y|moi|nous|on|je|j|m|s|t|se|sa|son|ai|est|suis|c est|tres|trop|vraiment|alors|bien|aussi|meme|
        {_RDV}(?: medical)?|hopital|centre|centre hospitalier|chu|ch exemple|ch|clinique|service|secretariat|acueil|message|mesage|rappel|rapel|reponse|info|information|
        prochain|prochaine|a l heure|l heure|prevu|prevue|fixe|indique|convenu|comme (?:prevu|convenu|dit|indique)|
        avec (?:ma|mon|mes|sa|son|lui|elle|vous|le|la|un|une)(?: (?:file|fils|mere|pere|mari|femme|epouse|epoux|enfants?|bebe|soeur|frere|maman|papa|compagnon|compagne|documents|papiers|ordonance|carte(?: vitale)?|docteur|medecin|conjoint))?|
        pas besoin de (?:me |m )?(?:rapeler|apeler|rappeler|relancer|telephoner|confirme|repondre)|pas la peine de (?:me |m )?(?:rapeler|apeler|rappeler)|inutile de (?:me |m )?(?:rapeler|apeler)|smile|lol|mdr|haha|voila|allez|aler|eh|ah|oh|ben|bah|hein|bon|bonne note|par la presente|que|qui est|ca|sa|cela|
        medecin|infirmier|infirmiere|equipe|tout le monde|a tous|attends|de ma part|de votre part|sincerement|recevez|agreez|nous serons 2|the|a|for|at|my|i|will|be|it|is|to|you|very|much|and|my apointment|apointment|good|day|morning|please|hola|buenos dias|buenas|bom dia|boa tarde|ola|merhaba|selam|buna|buna ziua|hallo|guten tag|ciao|salam|salam aleykoum|السلام عليكم|مرحبا|здравствуйте|por favor|lutfen|va rog|bitte|per favore|من فضلك|من فضلكم|пожалуйста
    """,
    Sense.PAUSE: r"\.|,",
    Sense.ASKED: r"\?",
}
