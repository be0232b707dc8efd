"""Politeness and talk about the search itself, which say nothing about the movie. Pure."""

from __future__ import annotations

from shared.retrieval.interpretation.words import ARTICLES, KINDS, Reading, match, phrases_by_first

_OPENINGS = phrases_by_first((
    "hi", "hello", "hey", "hi there", "hey there", "please", "ok", "okay", "hmm", "so",
    "can you recommend", "can you recommend me", "can you suggest", "can you suggest me",
    "could you recommend", "could you recommend me", "could you suggest", "can you find",
    "can you find me", "could you find me", "can you please recommend",
    "can you please recommend me",
    "could you please recommend", "can you show me", "can you give me", "can anyone recommend",
    "can anybody recommend", "can someone recommend", "would you recommend", "please recommend",
    "please recommend me", "please suggest", "please suggest me", "please find me",
    "please show me",
    "recommend me", "recommend", "suggest me", "suggest", "show me", "give me", "find me",
    "help me find", "help me to find", "help me choose", "can you help me find", "i'm looking for",
    "im looking for", "i am looking for", "we're looking for", "we are looking for", "looking for",
    "searching for", "i'm searching for", "in search of", "i'm in search of",
    "i'm in the mood for", "im in the mood for", "i am in the mood for", "we're in the mood for",
    "in the mood for", "in mood for", "i want to watch", "i want to see", "we want to watch",
    "we want to see", "i wanna watch", "i wanna see", "i'd like to watch", "i'd like to see",
    "i would like to watch", "i would like to see", "we'd like to watch", "we'd like to see",
    "i feel like watching", "feel like watching", "i feel like seeing", "we feel like watching",
    "i'd love to watch", "i'd love to see", "i would love to watch", "i need to watch",
    "i could watch",
    "want to watch", "wanna watch", "i fancy", "i fancy watching", "do you know", "do you know of",
    "do you have", "have you got", "does anyone know", "does anybody know", "is there", "are there",
    "what are some", "what are", "what is", "what's", "which", "what should i watch",
    "what should we watch", "what can i watch", "what can we watch", "what to watch",
    "any suggestions for", "any suggestion for", "any recommendations for", "any ideas for",
    "suggestions for", "recommendations for", "any suggestions", "any recommendations", "any ideas",
    "i'm trying to find", "trying to find", "i need", "i want", "i would like", "i'd like",
    "we want", "we need", "want", "need", "any", "that", "that one", "this", "this one", "gimme",
    "what's that", "what was that", "what is that", "what's the", "what was the", "what is the",
    "what's the name of that", "what's the name of the", "what is the name of the",
    "what was the name of the", "what was the name of that", "name of the", "name of that",
    "i'm trying to remember", "i am trying to remember", "trying to remember",
    "i can't remember the name of", "i forgot the name of", "do you remember",
    "does anyone remember", "there's this", "there's a", "there is a", "there was this",
    "there was a", "who knows", "anyone know", "anybody know", "anyone got", "got any",
    "have you seen", "i'm after", "we're after", "let's watch", "lets watch", "let us watch",
    "suggest some", "recommend some", "top 10", "top ten", "list of", "a list of",
    "ideas for", "help", "help me", "yo", "dear search", "thinking of", "i'm craving", "craving",
    "i crave", "i'm dying for", "we fancy", "we're looking for", "my girlfriend wants",
    "my boyfriend wants", "my wife wants", "my husband wants", "my kids want", "we feel like",
    "i feel like", "feel like",
))  # fmt: skip
_NEED_AN_OBJECT = frozenset((
    "i want", "i need", "i would like", "i'd like", "we want", "we need", "want", "need", "which",
    "what are", "what is", "what's", "is there", "are there", "any", "so", "recommend", "suggest",
    "do you know", "do you have", "have you got", "i could watch", "in search of", "ok",
    "looking for",
    "searching for", "hey", "hi", "hello", "please", "i fancy", "trying to find", "find me",
    "show me", "give me", "what to watch", "in the mood for", "that", "that one", "this",
    "this one", "gimme", "what's that", "what was that", "what is that", "what's the",
    "what was the", "what is the", "what's the name of that", "what's the name of the",
    "what is the name of the", "what was the name of the", "what was the name of that",
    "name of the", "name of that", "i'm trying to remember", "i am trying to remember",
    "trying to remember", "i can't remember the name of", "i forgot the name of",
    "do you remember", "does anyone remember", "there's this", "there's a",
    "there is a", "there was this", "there was a", "who knows", "anyone know", "anybody know",
    "anyone got", "got any", "have you seen", "i'm after", "we're after", "let's watch",
    "lets watch", "let us watch", "top 10", "top ten", "list of", "a list of",
    "help", "help me", "yo", "thinking of", "i'm craving", "craving", "i crave", "i'm dying for",
    "we fancy", "my girlfriend wants", "my boyfriend wants", "my wife wants",
    "my husband wants", "my kids want", "we feel like", "i feel like", "feel like",
))  # fmt: skip
"""Openings that may begin a description, so that what follows must be a kind of movie."""
_CLOSINGS = phrases_by_first((
    "please", "thanks", "thank you", "thx", "pls", "plz", "cheers", "thanks in advance",
    "thank you very much", "thanks a lot", "many thanks", "any suggestions", "any suggestion",
    "any recommendations", "any ideas", "any recommendation", "any tips", "tonight",
    "to watch tonight",
    "to watch", "to see", "for tonight", "to watch this evening", "this evening", "to watch now",
    "to see tonight", "right now", "for this evening", "to watch today", "to watch this weekend",
    "this weekend", "for this weekend", "what do you recommend", "what would you recommend",
    "what do you suggest", "can you help", "can you help me", "can anyone help", "do you know any",
    "what should i watch", "what should we watch", "what can you recommend", "suggestions",
    "recommendations", "if possible", "or something", "or something like that", "or so",
    "of all time", "of all times", "ever", "ever made", "out there", "you can think of",
    "that you know", "you know", "you would recommend", "you'd recommend", "if you have any",
    "if there is one", "what do you have", "what have you got", "got any",
    "i guess", "maybe", "lol", "haha", "tho", "though", "asap", "help", "help me", "anyone",
    "what is it", "what's it called", "what is it called", "what was it called",
    "what's the name", "what is the name", "what movie is it", "what movie is this",
    "which movie is it", "which movie is this", "do you know it", "to stream", "on netflix",
))  # fmt: skip
_INSIDE = phrases_by_first((
    "please", "to watch tonight", "to watch this evening", "to watch this weekend",
    "to watch today",
))  # fmt: skip
_PRAISE = frozenset((
    "good", "great", "nice", "decent", "best", "top", "really", "very", "cool", "awesome",
    "amazing", "excellent", "fantastic", "perfect", "more", "few", "couple", "of", "new",
    "must-see", "must-watch", "recommended", "truly", "pretty", "ever", "all-time",
))  # fmt: skip
_PRONOUNS = frozenset(("something", "anything", "stuff"))
_MOST_WORDS = 20
"""A longer text is a description, whose beginning is left as it is."""
_LEAST_OF_DESCRIPTION = 3
"""Words of chatter at either end of a description: "though" and "this" may belong to it."""
_POLITE = frozenset((
    "hi", "hello", "hey", "hi there", "hey there", "please", "thanks", "thank you", "thx", "cheers",
    "looking for", "searching for", "recommend me", "suggest me", "find me", "show me",
))  # fmt: skip
_PHRASE_NEXT = frozenset((
    "about", "where", "with", "that", "which", "for", "from", "in", "to", "on", "who", "whose",
    "of", "tonight", "starring", "featuring", "directed", "by", "without", "involving", "made",
    "set", "based", "please", "like", "similar", "not", "under", "over", "and", "but", "when",
))  # fmt: skip
_COMPARING = frozenset(("but", "except", "other", "excluding", "like", "similar", "else"))
_QUALIFIED = frozenset(("really", "very", "good", "great", "nice", "best", "top", "decent"))


def strip(reading: Reading) -> None:
    """Mark the words that say nothing about the movie, as long as some others remain."""
    used = reading.used.copy()
    if reading.has_parts() and all(key in ARTICLES | _PRAISE | KINDS for key in reading.keys):
        reading.use(0, len(reading))  # "the best" of the 90s
    start = _opening(reading)
    _closing(reading)
    for i in range(len(reading)):
        length = match(reading, i, _INSIDE)
        if length and (length > 1 or reading.ends_at(i + length)):
            reading.use(i, i + length)
    _kind_phrase(reading, start)
    if all(reading.used) and not reading.has_parts():
        reading.used = used


def _opening(reading: Reading) -> int:
    """Use the chatter at the start, and return the position behind it."""
    i = 0
    while i < len(reading):
        length = match(reading, i, _OPENINGS)
        if not length:
            break
        phrase = reading.phrase(i, i + length)
        if phrase in _NEED_AN_OBJECT and not _object_follows(reading, i + length):
            break
        is_short = reading.words_left() > _MOST_WORDS and length < _LEAST_OF_DESCRIPTION
        if is_short and phrase not in _POLITE:
            break
        reading.use(i, i + length)
        i += length
    return i


def _object_follows(reading: Reading, i: int) -> bool:
    """Whether a kind of movie is what follows: "a good movie", "something", "some comedy"."""
    if reading.breaks[i - 1] and i < len(reading):
        return True
    word = reading.key(i)
    if match(reading, i, _OPENINGS):
        return True
    if word in _PRONOUNS or word in KINDS or word in _PRAISE or word == "me":
        return True
    if any(reading.key(ahead) in KINDS for ahead in range(i, min(len(reading), i + 4))):
        return True
    if word not in ARTICLES | {"this", "that"}:
        return False
    return any(
        reading.key(ahead) in KINDS | _PRONOUNS or reading.key(ahead) in _GENRE_WORDS
        for ahead in range(i + 1, min(len(reading), i + 5))
    )


_GENRE_WORDS = frozenset((
    "comedy", "comedies", "drama", "dramas", "thriller", "thrillers", "horror", "western",
    "westerns", "musical", "documentary", "romance", "mystery", "fantasy", "sci-fi", "adventure",
    "story", "romcom", "rom-com", "classic", "classics", "suggestions", "recommendations",
))  # fmt: skip


_KINDS_OF_MOVIE = KINDS | _GENRE_WORDS


def _closing(reading: Reading) -> None:
    """Use the chatter at the end."""
    is_description = reading.words_left() > _MOST_WORDS
    end = len(reading)
    shortened = True
    while end and shortened:
        shortened = False
        for length in range(min(5, end), 0, -1):
            first = end - length
            if reading.used[first] or match(reading, first, _CLOSINGS) != length:
                continue
            is_short = length < _LEAST_OF_DESCRIPTION
            if is_description and is_short and reading.phrase(first, end) not in _POLITE:
                continue
            begins = first == 0 and reading.has_parts()  # what was before it is used
            before = reading.key(first - 1)
            if reading.key(first) == "to" and before not in _BEFORE_TO_WATCH and not begins:
                continue
            if before in {"of", "the", "from", "at", "in", "about"}:
                continue
            reading.use(first, end)
            end, shortened = first, True
            break


_BEFORE_TO_WATCH = KINDS | _PRONOUNS | _GENRE_WORDS | {"good", "great", "fun", "scary", "funny"}


def _kind_phrase(reading: Reading, start: int) -> None:
    """Use "a good movie", "something", "a film about" where chatter or a description is beside it.

    The word behind it, such as "about", stays: it says how the rest is meant.
    """
    if not start and reading.words_left() > _MOST_WORDS:
        return
    i = start
    while reading.key(i) in ARTICLES | _PRAISE:
        i += 1
    following = reading.key(i + 1)
    if following in _COMPARING:
        return  # "anything but horror", "something like this"
    if reading.key(i) in _PRONOUNS and i == start + (reading.key(start) in _PRAISE):
        if following and not reading.breaks[i]:
            watched = reading.phrase(i + 1, i + 3) in {"to watch", "to see"} and reading.key(i + 3)
            reading.use(start, i + 3 if watched else i + 1)
        elif start:
            reading.use(start, i + 1)
    elif reading.key(i) in KINDS and (following in _PHRASE_NEXT or reading.ends_at(i + 1)):
        if start or i + 1 < len(reading):
            reading.use(start, i + 1)
    elif i > start:
        _praise(reading, start, i)


def _praise(reading: Reading, start: int, end: int) -> None:
    """Use "a really good" before "scary movie"."""
    qualified = any(word in _QUALIFIED for word in reading.keys[start:end])
    if start or (qualified and not _KINDS_OF_MOVIE.isdisjoint(reading.keys[end : end + 3])):
        reading.use(start, end)
