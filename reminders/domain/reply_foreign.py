"""What patients write in other languages: yes, no, coming, not coming and a few urgent words."""

from collections.abc import Mapping

from reminders.domain.reply_senses import Sense

FOREIGN: Mapping[Sense, str] = {
    Sense.CANNOT: "i (?:can t|cannot|cant|can not)|ik kan niet",
    Sense.YES: """
        حاضر|مؤكد نعم|ja klar|klar|ja gerne|
        iwa|ewa|eywa|
        si ,? ?gracias|ouip|wakha nji|
        yeah|sure|of course|right|alright|all right|fine|great|perfect|si claro|claro|claro que si|vale|de acuerdo|por supuesto|perfecto|esta bien|sim|claro que sim|certo|com certeza|esta bem|tudo bem|
        evet|tamam|olur|tabii|tabi|peki|da|da sigur|sigur|bine|desigur|in regula|e ok|ja|jawohl|na klar|gut|si certo|va bene|d accordo|tak|wakha|waxa|wah|iyeh|ih|na3am|naam|aywa|ayeh|wi|waw|eyo|ay|
        نعم|اجل|ايوه|ايوا|اي|حسنا|تمام|طيب|موافق|واخا|صحيح|اكيد|بالتاكيد|да|хорошо|конечно|ладно|ок|так|добре|好|好的|是
    """,
    Sense.CONFIRM: """
        vou estar (?:la|presente?)|confirme prezenta|voi fi prezent|sunt prezent|vou comparecer|
        (?:si |sim |da |eu )?confirm[eo] (?:mi |la |minha |a |o |el )?(?:cita|consulta|presenca|asistencia)|eu confirmo|(?:sim )?estarei presente?|estare presente?|(?:نعم )?(?:اؤكد|اكد|نؤكد|أؤكد) (?:الموعد|الحضور|حضوري)|نحضر|
        (?:si ,? ?)?(?:vendre|vendremos|alli estaremos|confirmamos)|si ,? ?(?:confirmo|ire|voy|asistire|estare)|mwen ap (?:la|vini)|m ap vin|mwen la|an ke la|an ke vini|mi sera la|n ap vini|nji|ghadi nji|ghanji|rani jay|jay|inshalah nji|
        i (?:will|ll|can|shall) (?:be there|come|attend|be coming|make it)|i m coming|i am coming|will be there|be there|see you(?: then| there| soon| tomorrow)?|i confirm|confirmed|confirming|coming|i ll be there|count me in|
        confirmo|si confirmo|ire|alli estare|ahi estare|estare alli|estare ahi|asistire|voy|si voy|voy a ir|vou|eu vou|irei|estarei la|la estarei|vou sim|vou comparecer|compareco|confirmado|
        gelecegim|geliyorum|gelirim|oradayim|orada olacagim|onayliyorum|katilacagim|vin|voi veni|o sa vin|voi fi acolo|confirm eu|confirmat|ich kome|ich werde da sein|ich bin da|ich bestatige|vengo|ci saro|confermo|saro presente|
        m ap vini|mwen ap vini|m ap la|mi vien|mi vyen|mi sera la|mi viens|an ka vini|mwen ka vini|
        ساتي|ساحضر|سوف احضر|سوف اتي|انا قادم|انا قادمه|اوكد|اؤكد|ااكد|ساكون هناك|غادي نجي|نجي|راني جاي|سنحضر|مؤكد|اكد|приду|буду|подтверждаю|я приду|прийду|підтверджую
    """,
    Sense.NOT_CANCEL: "no probleme|no worries|don t cancel|do not cancel|not canceling|sin problema|no hay problema|no cancelen|no cancelar|sem problema|nao cancelar|nao cancele|sorun yok|sorun degil|iptal etmeyin|nicio problema|nu anulati|kein problem|nesun problema|لا مشكله|لا تلغ|لا تلغوا|без проблем|не отменяйте",
    Sense.NO: """
        no|nao|hayir|yok|nein|non grazie|لا|كلا|нет|ні|nie|不|不是
    """,
    Sense.CANCEL: """
        no podemos(?: (?:ir|asistir|venir))?|nao (?:consigo|podemos)(?: (?:ir|comparecer|vir))?|nu pot|nu putem veni|randevumu iptal(?: edin| et| etmek istiyorum)?|iptal etmek istiyoruz|m pap (?:ka )?vini|
        no voy a poder(?: (?:ir|asistir|acudir|venir))?|no puedo acudir|absage|termin absagen|لن (?:آتي|اتي|اجي|احضر)|я не приду|не прийду|не придем|não irei|
        i (?:can t|cannot|can not|cant|won t|will not|wont|am not able to|m not able to) (?:come|make it|attend|be there|go)(?: to the apointment)?|(?:can t|cant|cannot|won t|wont) (?:come|make it|attend|be there)|not coming|i m not coming|i am not coming|unable to (?:come|attend|make it)|
        (?:please |i want to |i need to |i have to |i d like to |i would like to |i must )?cancel(?:led|ed)?(?: (?:my|the|this) apointment| it| please)?|canceling|
        no puedo(?: (?:ir|asistir|acudir|venir))?|no podre (?:ir|asistir|acudir|venir)|no ire|no voy|no voy a ir|no asistire|(?:quiero |deseo |por favor )?cancelar(?: (?:la|mi) cita)?|cancelo|anular la cita|cancele mi cita|
        nao posso(?: ir| comparecer| vir)?|nao poderei(?: ir| comparecer)?|nao vou(?: poder)?(?: ir| comparecer)?|nao irei|(?:quero |desejo )?cancelar(?: (?:a|minha) consulta)?|desmarcar(?: a consulta)?|quero desmarcar|
        gelemem|gelemiyorum|gelemeyecegim|gelmeyecegim|gelmiyorum|iptal|iptal edin|iptal et|iptal etmek istiyorum|randevuyu iptal(?: edin| et)?|
        nu pot(?: sa)? (?:veni|vin|ajunge|ajung|particip)|nu (?:vin|ajung|voi veni|voi putea veni|o sa vin|o sa pot veni|mai vin)|(?:vreau sa |doresc sa )?anulez(?: programarea)?|anulati(?: programarea)?|anulare|
        ich (?:kan|quand) (?:den termin |leider |heute |morgen )?nicht(?: komen| coment| wahrnehmen)?|ich kome (?:leider |doch )?nicht|absagen|ich sage ab|ich mus absagen|non poso(?: venire)?|non vengo|non potro venire|anulare l apuntamento|disdire|voglio disdire|
        (?:m|mwen) pas (?:ka|ap|p) (?:vini|vin|la)|m pap vini|mi (?:peux |pe |pouras |poura )?pas (?:vni|viens|vini|vien|la)|mi viens pas|an pas (?:ka|ke|pe) (?:vini|vin)|la manjich|(?:la )?(?:mnjich|ma njich|manjich)|ma ?n[q9]der?ch(?: nji)?|
        (?:لا|لن|ما) (?:استطيع|اقدر|يمكنني|اتمكن من|اتمكن)(?: من)?(?: (?:الحضور|المجيء|القدوم|ان احضر|ان اتي))?|لن (?:احضر|اتي|اتمكن من الحضور|استطيع الحضور)|لست قادم|ما نقدرش(?: نجي)?|مانقدرش(?: نجي)?|ما نجيش|مانجيش|الغ(?:اء)?(?: الموعد)?|الغوا الموعد|اريد الغاء الموعد|الغي الموعد|ma n9derch nji|manqderch nji|ma nqderch nji|
        (?:я )?не (?:смогу|приду|могу)(?: прийти| придти)?|отмените(?: запись)?|отменить(?: запись)?|отмена|отменяю
    """,
    Sense.RESCHEDULE: """
        rescheduled?|(?:can i |please |i want to |i need to )?(?:change|move|postpone|reschedule)(?: (?:the|my) (?:date|apointment|time|day))?|another (?:day|time|date)|diferent (?:day|time|date)|later|earlier|cambiar(?: (?:la|de) (?:cita|fecha|hora))?|otra (?:fecha|hora)|otro dia|aplazar|posponer|
        remarcar|mudar(?: a data| a hora)?|outra (?:data|hora)|outro dia|adiar|randevuyu degistir\\w*(?: miyim| misiniz)?|degistir\\w*|ertele\\w*|baska (?:gun|tarih|saat)|schimb\\w*|reprogram\\w*|alta (?:data|ora|zi)|aman\\w*|verschieben|anderer termin|anderen termin|spostare|cambiare|altra data|rimandare|
        غير(?: الموعد)?|تغيير(?: الموعد)?|تاجيل(?: الموعد)?|موعد اخر|وقت اخر|يوم اخر|نبدل|перенести|перенесите|другой день|другое время
    """,
}
