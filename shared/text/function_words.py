"""Everyday words of languages: those that a catalogue leaves out, and those that show a language.

Written for this project. Each language has three lists. *Left out* are articles, prepositions,
conjunctions, pronouns and forms of "to be" and "to have": most texts have them, so they tell no
movie from another. *Denials* ("not", "no", "without", "never") are terms like others. *Others* are
common as well; they are terms, and with the former they show in which language a text is. A
language without lists has no words that are left out, and is recognised by its script, if at all.
Data only.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class FunctionWords(NamedTuple):
    """The lists of a language, in lower case; accents are as they are written."""

    left_out: frozenset[str]
    denials: frozenset[str]
    others: frozenset[str]


def _lists(left_out: str, denials: str, others: str) -> FunctionWords:
    return FunctionWords(*(frozenset(words.split()) for words in (left_out, denials, others)))


FUNCTION_WORDS: Final = {
    "ar": _lists(
        "في من على إلى عن أن إن هذا هذه ذلك التي الذي كان كانت هو هي و أو ثم مع ما قد",
        "لا ليس ليست لم لن بدون",
        "فيلم جدا عندما حيث كل بعد قبل",
    ),
    "ca": _lists(
        "a al als amb d de del dels e el els en és es et hi i l la les li m n o per què que qui s "
        "se si són un una uns unes va",
        "no ni sense mai res",
        "més molt però quan com aquest aquesta vull pel·lícula pel·lícules alguna cosa",
    ),
    "cs": _lists(
        "a aby ale by byl byla bylo co do i jak jako je jeho její jejich jsem jsou k ke kde když "
        "která které který ma má mě mi na o od po pro s se si tak také ta ten to tu u v ve z za ze "
        "že",
        "ne není bez nikdy nic ani",
        "velmi filmy něco hledám více jen",
    ),
    "da": _lists(
        "af at blev da de dem den der det dig din du efter eller en er et for fra ham han har "
        "havde hende i jeg kan man med men meg mig min og om op os på sig sin som så til ud var "
        "ved vi være",
        "ikke ingen intet uden aldrig",
        "meget mere noget filmen søger også hvor hvad hun under",
    ),
    "de": _lists(
        "als am an auch auf aus bei bin bis da das dass dem den der des die du durch ein eine "
        "einem einen einer eines er es für hat hatte ich ihm ihn ihr im in ist man mich mir mit "
        "nach oder sein seine sich sie sind so um und uns vom von vor war waren was wenn wer wie "
        "wir wird zu zum zur aber",
        "nicht kein keine keinen keiner ohne nie niemals nichts weder",
        "sehr mehr nur noch etwas suche filme doch mal möchte will über unter gegen wo",
    ),
    "el": _lists(
        "ο η το οι τα του της των τον την τους τις στο στη στην στον στα σε με από για και να που "
        "ένα μια ένας είναι ήταν θα ως ότι",
        "δεν μη μην χωρίς ποτέ τίποτα",
        "πολύ ταινία ταινίες",
    ),
    "en": _lists(
        "a an and are as at be but by for if in into is it of on or such that the their then there "
        "these they this to was will with",
        "no not never without nothing nor",
        "about all can from has have he her his how i like me more my our out she so some "
        "something someone than them too very we were what when where which who whose would you "
        "your movie movies its just been after before over",
    ),
    "es": _lists(
        "a al ante con de del desde e el él ella ellas ellos en entre era es ese esa eso esta este "
        "esto fue ha han hay la las le les lo los me mi mis o para pero por que qué se ser si su "
        "sus te tu u un una unas unos y ya yo",
        "no ni sin nunca nada jamás",
        "muy más mas como sobre cuando donde quiero busco algo alguna película películas pelicula "
        "peliculas también todo porque está son nos",
    ),
    "fi": _lists(
        "että hän ja jo joka jos jotka kun me minä mutta ne niin oli olla on ovat se sekä sen sinä "
        "tai tämä te",
        "ei eivät en ilman koskaan mitään",
        "kuin elokuva elokuvia elokuvan jossa hyvin myös jotain",
    ),
    "fr": _lists(
        "à a au aux avec c ce ces cet cette d dans de des du elle elles en est et eu il ils j je l "
        "la le les leur leurs lui m ma mais me mes mon nous on ou où par pour qu que qui s sa se "
        "ses son sont sur t ta te tes ton tu un une vos votre vous y été était",
        "ne n pas sans jamais rien ni aucun aucune",
        "plus très tres comme quand films quelque chose cherche veux tout être",
    ),
    "hu": _lists(
        "a az be de egy el ez és fel ha hogy is ki le meg mert mint vagy volt van",
        "nem nélkül soha semmi nincs sem",
        "nagyon valami csak filmek amely akkor",
    ),
    "it": _lists(
        "a ad ai al all alla alle allo agli anche c che chi ci coi col con cui d da dagli dai dal "
        "dall dalla dalle dallo degli dei del dell della delle dello di e è ed era essere gli ha "
        "hanno i il in io l la le lei li lo loro lui ma mi nei nel nell negli nella nelle nello o "
        "per quella quello questa questo s se si sono su sua sue sugli sui sul sull sulla sulle "
        "sullo suo suoi ti tra tu un una uno",
        "non senza mai niente nulla né nessun nessuno",
        "molto più come dove quando cerco voglio qualcosa tutto perché",
    ),
    "nl": _lists(
        "aan als bij dan dat de der deze die dit door een en er had heeft hem het hij hun ik in is "
        "je kan maar me met mij naar of om ons ook op te tot uit van voor was wat we werd wie wij "
        "worden ze zich zij zijn zo",
        "niet geen zonder nooit niets noch",
        "heel meer zoek iets waar toen nog onder over",
    ),
    "no": _lists(
        "av at ble da de dem den der det du eller en er et etter for fra ham han har hadde henne i "
        "jeg kan man med men meg min og om opp oss på seg sin som så til ut var ved vi være",
        "ikke ingen intet uten aldri",
        "mye mer noe filmen søker også hvor hva hun under",
    ),
    "pl": _lists(
        "a aby by był była było co czy dla do gdy go i ich im ja jak jako je jego jej jest już "
        "która które który ma mi mnie na o od on ona oni oraz po przez przy się są ta tak te tego "
        "tej ten to tu w we z za ze że",
        "nie bez nigdy nic ani nikt",
        "bardzo tylko filmy coś szukam gdzie jakiś więcej",
    ),
    "pt": _lists(
        "a à ao aos as às com da das de dela dele do dos e é ela elas ele eles em entre era essa "
        "esse esta este eu foi há isso isto já lhe mas me meu minha na nas no nos num numa o os "
        "ou para pela pelas pelo pelos por que quem se ser seu seus são sua suas te tem um uma",
        "não nao sem nunca nada nem nenhum nenhuma",
        "muito mais como filme filmes quero procuro algo quando onde você também sobre",
    ),
    "ro": _lists(
        "a al ale am ar are au ce cu de din e este fi în in la le lui o pe pentru prin sa să se si "
        "și sunt un una unei unui va",
        "nu fără niciodată nimic nici",
        "foarte mai ceva despre filme care când unde",
    ),
    "ru": _lists(
        "а бы был была были было в во вот вы да для до его ее её же за и из или им их к как "
        "когда которая которые который кто ли мне мы на над но о об он она они от по при с со так "
        "такой там то тут ты у что чтобы это этот я",
        "не нет без никогда ничего ни",
        "очень фильм фильмы про где хочу все ещё еще",
    ),
    "sv": _lists(
        "att av blev bli de dem den det du där efter en er ett från för ha hade han har hon honom "
        "i jag kan man med men mig min och om oss på sig sin sina som så till upp ut var vi vid "
        "är",
        "inte ej ingen inget utan aldrig",
        "mycket mer något filmer söker eller också vad under",
    ),
    "tr": _lists(
        "ve bir bu da de ile için o ki mi mı mu mü olan ya şu",
        "değil yok hiç asla ne",
        "çok daha gibi ama filmi filmler kadar bana",
    ),
}  # fmt: skip
