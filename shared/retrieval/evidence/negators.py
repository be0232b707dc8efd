"""The English words that deny, how far they reach, and what takes their denial back. Pure."""

from __future__ import annotations

FAR, NEAR = 8, 5
"""How many words a denial reaches, within its clause."""

_PLAIN = (
    "not", "no", "never", "nothing", "none", "nor", "neither", "nobody", "cannot", "cant", "isnt",
    "wasnt", "arent", "dont", "doesnt", "didnt", "wont", "wouldnt", "couldnt", "ain't", "aint",
    "hardly", "barely", "scarcely", "rarely", "seldom", "nowhere",
)  # fmt: skip
_LACKING = (
    "without", "lack", "lacks", "lacked", "lacking", "devoid", "minus", "zero", "avoids", "avoided",
    "avoiding", "shuns", "eschews", "absence", "free of", "void of", "short on", "bereft of",
    "instead of", "rather than", "less than", "stops being", "stopped being", "ceases to be",
)  # fmt: skip
_FAILING = (
    "fail", "fails", "failed", "failing", "failure", "fails to", "failed to", "unable to",
    "incapable of", "far from", "anything but", "supposed to be", "supposedly", "meant to be",
    "pretends to be", "pretending to be", "wants to be", "wanted to be", "trying to be",
    "tries to be", "tried to be", "tries so hard to be", "tries too hard to be",
    "attempts to be", "attempting to be", "attempt at", "attempts at", "attempted", "so-called",
    "alleged", "allegedly", "should have been", "could have been", "would have been",
    "should've been", "could've been", "would've been", "wish it was", "wish it were",
    "wish it had", "wish there was", "wish there were", "wished it was", "wanted it to be",
    "expected it to be", "expecting", "hoped for", "hoping for", "needed more", "needs more",
    "too little", "very little", "precious little", "so little", "has little", "had little",
    "with little", "offers little", "there is little", "there's little", "not enough",
)  # fmt: skip
_NEXT = ("non", "pseudo", "wannabe", "forced", "less", "least")

REACH: dict[str, int] = {
    **dict.fromkeys(_PLAIN, FAR), **dict.fromkeys(_LACKING, NEAR), **dict.fromkeys(_FAILING, NEAR),
    **dict.fromkeys(_NEXT, 1),
    "no": NEAR,
}  # fmt: skip
"""Words and phrases that deny what follows them, with the number of words that they reach."""
LACKING = frozenset((*_LACKING, *_FAILING))
"""Phrases that take back a denial before them: "not without humour", "never fails to be funny"."""
MOST_WORDS = max(len(phrase.split()) for phrase in REACH)

AFFIRMED: tuple[tuple[str, ...], ...] = tuple(
    tuple(phrase.split())
    for phrase in (
        "not only", "isn't only", "not just", "isn't just", "wasn't just", "aren't just",
        "not merely", "isn't merely", "not simply", "isn't simply", "not solely", "not to mention",
        "no doubt", "no wonder", "no question", "no denying", "no less", "no matter", "no surprise",
        "no exaggeration", "no mistake", "nothing but", "nothing less", "nothing short",
        "nothing if not",
        "never fails", "never failed", "never ceases", "never stops", "doesn't fail",
        "does not fail", "didn't fail", "did not fail", "can't fail", "cannot fail", "not fail",
        "won't fail", "without fail", "can't help", "cannot help", "couldn't help", "can't stop",
        "couldn't stop", "not stop", "cannot stop", "don't miss", "do not miss", "not to miss",
        "don't worry", "don't forget", "do not forget", "not forget", "never forget",
        "not afraid", "isn't afraid", "not ashamed", "not hard to", "isn't hard to",
        "not difficult to", "if not", "whether or not", "why not", "not your", "isn't your",
        "no fewer", "none other", "none the less", "no one can deny", "can't deny",
        "cannot deny", "not to be missed", "like nothing",
        "couldn't be more", "could not be more", "can't get more", "can't be more",
        "doesn't get more", "can't get any more", "couldn't get more",
        "free of charge", "don't let", "do not let", "wouldn't have it",
        "can't wait", "couldn't wait",
        "can't get enough", "cannot get enough", "couldn't get enough",
        "can't say enough", "can barely", "could barely", "can hardly",
        "could hardly", "neither here", "not until", "wasn't until", "not long", "not because",
        "wouldn't mind", "don't mind", "without a doubt", "without doubt", "without question",
        "at least", "last but not", "no small", "never less", "not half bad",
    )
)  # fmt: skip
"""Phrases in which a word of denial denies nothing of what follows it."""

SUPERLATIVES = {
    "never": frozenset(("so", "such", "quite", "before", "since", "like")),
    **dict.fromkeys(
        ("nothing", "nobody", "no"), frozenset(("so", "such", "as", "quite", "like", "better"))
    ),
}
"""With one of these in their clause they praise: "never laughed so hard", "no film is as sad"."""
UNSURPASSED = frozenset((
    "never", "nothing", "nobody", "no", "can't", "couldn't", "cannot", "won't", "wouldn't",
))  # fmt: skip
"""Before a comparative they praise: "couldn't be funnier"."""
USUAL = frozenset((
    "typical", "ordinary", "normal", "usual", "standard", "regular", "conventional", "average",
    "mere", "merely", "simple", "just", "only", "another", "cheap", "generic", "perfect",
    "flawless", "everyone's", "everybody's", "stereotypical", "traditional", "entirely", "purely",
    "exclusively", "solely", "best", "sole", "necessarily", "always", "alone",
))  # fmt: skip
"""What is denied by "not a typical comedy" is how usual it is, not that it is one."""

ENDS = frozenset((
    "but", "although", "though", "yet", "however", "because", "whereas", "except", "unless",
    "otherwise", "instead", "just", "simply", "and yet",
))  # fmt: skip
"""Words that begin a clause to which a denial does not reach."""
CLAUSE_STARTS = frozenset((
    "i", "you", "he", "she", "it", "we", "they", "it's", "i'm", "he's", "she's", "they're",
    "there", "there's", "this", "that", "that's", "which", "who", "while", "when", "where", "as",
    "so", "if", "always", "very", "still", "also", "then", "what", "how", "with", "full", "a",
    "the", "my", "his", "her", "our", "its", "their", "more", "even", "rather", "mostly", "only",
    "both", "definitely", "really", "truly",
))  # fmt: skip
"""After a comma or "and", these begin another clause: "not long, it is relaxing"."""
PLACES = frozenset(("in", "on", "at", "during", "from", "until", "after", "before", "through"))
HERE = frozenset(("it", "this", "that", "the", "here", "any", "its", "these"))
"""A denial does not reach what a preposition of place or time adds: "no sound in space". It reaches
beyond those that mean the movie: "nothing in it is funny"."""
ABSENT = frozenset(("lacking", "absent", "missing", "nonexistent"))
"""Behind a word and a form of "to be", these deny it: "the humour is missing"."""
ANSWERS = frozenset(("hardly", "not", "no", "nope", "barely", "never", "wrong"))
"""Behind a question, these deny it: "Relaxing? Hardly."."""
