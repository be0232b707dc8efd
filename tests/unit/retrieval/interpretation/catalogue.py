"""A small catalogue of well-known movies, whose facts are general knowledge."""

from __future__ import annotations

from shared.retrieval.interpretation.lexicon import Lexicon, MovieNames
from shared.retrieval.interpretation.spelling import Speller
from shared.retrieval.titles.titles import Titles
from shared.snapshot.files.facts import CatalogueFacts

_LINES = """
Amélie; 2001; Comedy Romance; Jean-Pierre Jeunet; Audrey Tautou; FR; 122
The Matrix; 1999; Action Sci-Fi; Lana Wachowski, Lilly Wachowski; Keanu Reeves; US; 136
Heat; 1995; Action Crime; Michael Mann; Al Pacino; US; 170
Se7en; 1995; Crime Thriller; David Fincher; Brad Pitt; US; 127
Alien; 1979; Horror Sci-Fi; Ridley Scott; Sigourney Weaver; UK; 117
The Thing; 1982; Horror Mystery; John Carpenter; Kurt Russell; US; 109
The Ninth Gate; 1999; Mystery Thriller; Roman Polanski; Johnny Depp; ES; 133
Not Another Teen Movie; 2001; Comedy; Joel Gallen; Chris Evans; US; 89
1917; 2019; Drama War; Sam Mendes; George MacKay; UK; 119
Up; 2009; Animation Family; Pete Docter; Ed Asner; US; 96
It; 2017; Horror; Andy Muschietti; Bill Skarsgård; US; 135
2001: A Space Odyssey; 1968; Sci-Fi; Stanley Kubrick; Keir Dullea; UK; 149
The Shining; 1980; Horror Drama; Stanley Kubrick; Jack Nicholson; UK; 146
Without a Clue; 1988; Comedy Crime; Thom Eberhardt; Michael Caine; UK; 107
No Country for Old Men; 2007; Crime Thriller; Joel Coen, Ethan Coen; Tommy Lee Jones; US; 122
Something Wild; 1986; Comedy Crime; Jonathan Demme; Jeff Daniels; US; 113
Like Mike; 2002; Family Comedy; John Schultz; Lil' Bow Wow; US; 99
Pride & Prejudice; 2005; Drama Romance; Joe Wright; Keira Knightley; UK; 129
Oldboy; 2003; Action Mystery; Park Chan-wook; Choi Min-sik; KR; 120
Spirited Away; 2001; Animation Family; Hayao Miyazaki; Rumi Hiiragi; JP; 125
Seven Samurai; 1954; Action Drama; Akira Kurosawa; Toshiro Mifune; JP; 207
La Dolce Vita; 1960; Comedy Drama; Federico Fellini; Marcello Mastroianni; IT; 174
Psycho; 1960; Horror Thriller; Alfred Hitchcock; Anthony Perkins; US; 109
Vertigo; 1958; Mystery Romance; Alfred Hitchcock; James Stewart; US; 128
The Searchers; 1956; Western; John Ford; John Wayne; US; 119
Singin' in the Rain; 1952; Musical Comedy; Stanley Donen; Gene Kelly; US; 103
Forrest Gump; 1994; Drama Romance; Robert Zemeckis; Tom Hanks; US; 142
Pulp Fiction; 1994; Crime Drama; Quentin Tarantino; Uma Thurman; US; 154
Das Boot; 1981; Drama War; Wolfgang Petersen; Jürgen Prochnow; DE; 149
Hoop Dreams; 1994; Documentary Sport; Steve James; William Gates; US; 170
The Lion King; 1994; Animation Family Musical; Rob Minkoff; Matthew Broderick; US; 88
Die Hard; 1988; Action Thriller; John McTiernan; Bruce Willis; US; 132
Double Indemnity; 1944; Crime Film-Noir; Billy Wilder; Barbara Stanwyck; US; 107
The Princess Bride; 1987; Adventure Comedy Fantasy; Rob Reiner; Cary Elwes; US; 98
Schindler's List; 1993; Biography Drama History; Steven Spielberg; Liam Neeson; US; 195
Pan's Labyrinth; 2006; Drama Fantasy War; Guillermo del Toro; Ivana Baquero; MX; 118
The Dark Knight; 2008; Action Crime; Christopher Nolan; Christian Bale; US; 152
Annie Hall; 1977; Comedy Romance; Woody Allen; Diane Keaton; US; 93
Titanic; 1997; Drama Romance; James Cameron; Leonardo DiCaprio; US; 194
Jaws; 1975; Thriller Adventure; Steven Spielberg; Roy Scheider; US; 124
Rocky; 1976; Drama Sport; John G. Avildsen; Sylvester Stallone; US; 120
Rocky II; 1979; Drama Sport; Sylvester Stallone; Sylvester Stallone; US; 119
Fargo; 1996; Crime Thriller; Joel Coen, Ethan Coen; Frances McDormand; US; 98
Nineteen Eighty-Four; 1984; Drama Sci-Fi; Michael Radford; John Hurt; UK; 113
300; 2006; Action War; Zack Snyder; Gerard Butler; US; 117
"""
"""Title; year; genres; director; actor; origin; minutes."""
_ORIGINS = {
    "US": ("United States", "English"),
    "UK": ("United Kingdom", "English"),
    "FR": ("France", "French"),
    "KR": ("South Korea", "Korean"),
    "JP": ("Japan", "Japanese"),
    "IT": ("Italy", "Italian"),
    "DE": ("Germany", "German"),
    "MX": ("Mexico", "Spanish"),
    "ES": ("Spain", "English"),
}
"""Country and language by code."""


def _facts(line: str) -> CatalogueFacts:
    title, year, genres, director, actor, origin, minutes = line.split("; ")
    country, language = _ORIGINS[origin]
    return CatalogueFacts(
        title=title,
        year=int(year),
        genres=tuple(genres.split()),
        directors=tuple(director.split(", ")),
        people=(actor,),
        countries=(country,),
        languages=(language,),
        runtime_minutes=int(minutes),
        review_count=5,
    )


FACTS = tuple(map(_facts, _LINES.strip().splitlines()))
ROWS = {fact.title: row for row, fact in enumerate(FACTS)}
TITLES = Titles(
    ((row, fact.title) for row, fact in enumerate(FACTS) if fact.title),
    [fact.review_count for fact in FACTS],
    [fact.year for fact in FACTS],
)
LEXICON = Lexicon(
    (
        MovieNames(
            fact.title, fact.genres, fact.directors, fact.people, fact.countries, fact.languages
        )
        for fact in FACTS
    ),
    TITLES,
)
SPELLER = Speller({"lonely": 9, "robots": 9, "haunted": 9, "detective": 9}, LEXICON)
