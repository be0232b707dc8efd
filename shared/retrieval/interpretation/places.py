"""Countries, languages and genres: what people call them, and what catalogues do. Pure.

Each line of a table is one country, language or genre. Before the bar are the names and codes by
which catalogues know it, the most usual first; behind it are further words that people type. Names
before the bar are typed, too, unless they are shorter than four letters or marked by "~": "it" is
no country, and "love" is no genre.
"""

from __future__ import annotations

from typing import NamedTuple

_LEAST_LETTERS = 4
_TYPED_CODES = frozenset({"USA", "US", "UK"})

_COUNTRY_LINES = """
United States; USA; US; U.S.; United States of America; America | american
United Kingdom; UK; GB; Great Britain; Britain; England; Scotland; Wales | british
Scotland | scottish
Wales | welsh
Ireland; IE; Republic of Ireland | irish
France; FR | french
Germany; DE; West Germany; East Germany; XWG; XGW; XEG | german
Italy; IT | italian
Spain; ES | spanish
Portugal; PT | portuguese
Netherlands; NL; The Netherlands; Holland | dutch
Belgium; BE | belgian
Switzerland; CH | swiss
Austria; AT | austrian
Denmark; DK | danish
Sweden; SE | swedish
Norway; NO | norwegian
Finland; FI | finnish
Iceland; IS | icelandic
Poland; PL | polish
Czech Republic; CZ; Czechia; Czechoslovakia; XCZ | czech
Slovakia; SK | slovak
Hungary; HU | hungarian
Romania; RO | romanian
Bulgaria; BG | bulgarian
Greece; GR | greek
Turkey; TR; Türkiye | turkish
Russia; RU; Russian Federation; Soviet Union; SUHH; USSR | russian
Soviet Union; SUHH; USSR | soviet
Ukraine; UA | ukrainian
Estonia; EE | estonian
Latvia; LV | latvian
Lithuania; LT | lithuanian
Georgia; GE | georgian
Serbia; RS; Yugoslavia; Federal Republic of Yugoslavia; YUCS | serbian
Yugoslavia; YUCS; Federal Republic of Yugoslavia | yugoslav; yugoslavian
Croatia; HR | croatian
Bosnia and Herzegovina; BA | bosnian
Slovenia; SI | slovenian
Israel; IL | israeli
Palestine; PS; Occupied Palestinian Territory; State of Palestine | palestinian
Lebanon; LB | lebanese
Iran; IR; Islamic Republic of Iran | iranian; persian
Iraq; IQ | iraqi
Egypt; EG | egyptian
Morocco; MA | moroccan
Tunisia; TN | tunisian
Algeria; DZ | algerian
Senegal; SN | senegalese
Nigeria; NG | nigerian
Kenya; KE | kenyan
South Africa; ZA | south african
India; IN | indian; bollywood
Pakistan; PK | pakistani
Bangladesh; BD | bangladeshi
China; CN; People's Republic of China; Hong Kong; HK; Taiwan; TW | chinese
Hong Kong; HK | hongkong; hong kong
Taiwan; TW | taiwanese
Japan; JP | japanese
South Korea; KR; Korea; Republic of Korea; Korea, South | korean; south korean
North Korea; KP | north korean
Thailand; TH | thai
Vietnam; VN; Viet Nam | vietnamese
Indonesia; ID | indonesian
Malaysia; MY | malaysian
Philippines; PH; The Philippines | filipino; philippine
Cambodia; KH | cambodian
Australia; AU | australian; aussie
New Zealand; NZ | new zealander; kiwi
Canada; CA | canadian
Mexico; MX | mexican
Cuba; CU | cuban
Brazil; BR | brazilian
Argentina; AR | argentinian; argentine
Chile; CL | chilean
Colombia; CO | colombian
Peru; PE | peruvian
Uruguay; UY | uruguayan
Venezuela; VE | venezuelan
"""

_LANGUAGE_LINES = """
English; en; eng |
French; fr; fra; fre; français | francais
German; de; deu; ger; Deutsch |
Italian; it; ita; italiano |
Spanish; es; spa; Castilian; español |
Catalan; ca; cat |
Basque; eu; eus |
Portuguese; pt; por; português |
Dutch; nl; nld; Flemish; Nederlands | flemish
Danish; da; dan; dansk |
Swedish; sv; swe; svenska |
Norwegian; no; nb; nor; norsk |
Finnish; fi; fin; suomi |
Icelandic; is; isl; Íslenska |
Polish; pl; pol; polski |
Czech; cs; ces |
Slovak; sk; slk |
Hungarian; hu; hun; magyar |
Romanian; ro; ron |
Bulgarian; bg; bul |
Greek; el; ell; Greek, Modern |
Turkish; tr; tur |
Russian; ru; rus |
Ukrainian; uk; ukr |
Georgian; ka; kat |
Serbian; sr; srp; Serbo-Croatian |
Croatian; hr; hrv; Serbo-Croatian |
Bosnian; bs; bos; Serbo-Croatian |
Slovenian; sl; slv |
Hebrew; he; heb |
Arabic; ar; ara |
Persian; fa; fas; Farsi | farsi; iranian
Hindi; hi; hin |
Urdu; ur; urd |
Bengali; bn; ben | bangla
Tamil; ta; tam |
Telugu; te; tel |
Malayalam; ml; mal |
Kannada; kn; kan |
Marathi; mr; mar |
Punjabi; pa; pan |
Chinese; zh; zho; Mandarin; cmn; cn; Cantonese; yue |
Mandarin; cmn; Chinese; zh; zho |
Cantonese; yue; cn |
Japanese; ja; jpn |
Korean; ko; kor |
Thai; th; tha |
Vietnamese; vi; vie |
Indonesian; id; ind |
Malay; ms; msa |
Tagalog; tl; tgl; Filipino | filipino
Swahili; sw; swa |
Zulu; zu; zul |
Afrikaans; af; afr |
Yiddish; yi; yid |
Latin; la; lat |
Irish; ga; gle; Gaelic | gaelic
Welsh; cy; cym |
"""

_GENRE_LINES = """
Action; Action & Adventure | actioner; actioners
Adventure; Action & Adventure | adventures
Animation; Animated; Cartoon; Anime | cartoons
Anime; Animation | animes
Biography; Biographical; Biopic | biopics; biographies; biographical
Comedy; Comedies | comedic
Crime |
Documentary; Documentaries | docu; docs
Drama |
Family; Children; Kids; Children's | for kids; for children; for the family; for the whole family
Children; Children's; Kids; Family | for kids; for children
Fantasy; Sci-Fi & Fantasy | fantasies
Film-Noir; Noir | film noirs; films noirs
History; Historical | historical drama; historical dramas; period drama; costume drama
Horror |
Music |
Musical; Musicals |
Mystery; Mysteries | whodunit; whodunits; murder mystery; murder mysteries
Romance; ~Romantic; ~Love | love story; love stories; romances
Sci-Fi; Science Fiction; SciFi; SF; Sci-Fi & Fantasy | science fictions; scifis
Short; Short Film | shorts
Sport; Sports |
Superhero; Superheroes |
Thriller; Suspense | thrillers; suspense
War; War & Politics |
Western; Westerns |
"""

COMPOUNDS = {
    "romcom": ("comedy", "romance"),
    "romanticcomedy": ("comedy", "romance"),
    "romanticcomedies": ("comedy", "romance"),
    "dramedy": ("comedy", "drama"),
    "dramedies": ("comedy", "drama"),
    "comedydrama": ("comedy", "drama"),
    "tragicomedy": ("comedy", "drama"),
    "romanticdrama": ("drama", "romance"),
    "horrorcomedy": ("comedy", "horror"),
    "comedyhorror": ("comedy", "horror"),
    "actioncomedy": ("action", "comedy"),
    "crimethriller": ("crime", "thriller"),
    "actionthriller": ("action", "thriller"),
    "scifihorror": ("sci-fi", "horror"),
    "docudrama": ("documentary", "drama"),
    "spaghettiwestern": ("western",),
}
"""Joined words that mean several genres at once."""


class Naming(NamedTuple):
    """What one thing is called.

    Attributes:
        names: How catalogues call it, the most usual first.
        typed: What people type, the most certain first.
    """

    names: tuple[str, ...]
    typed: tuple[str, ...]


def _table(lines: str) -> tuple[Naming, ...]:
    namings = []
    for line in lines.strip().splitlines():
        names, _, further = line.partition("|")
        first, *others = _split(names)
        also = (name for name in others if name in _TYPED_CODES or _is_typed(name))
        typed = (first, *_split(further), *also)
        namings.append(Naming((first, *(name.lstrip("~") for name in others)), typed))
    return tuple(namings)


def _is_typed(name: str) -> bool:
    return len(name) >= _LEAST_LETTERS and not name.startswith("~")


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(";") if word.strip())


COUNTRIES = _table(_COUNTRY_LINES)
LANGUAGES = _table(_LANGUAGE_LINES)
GENRES = _table(_GENRE_LINES)
