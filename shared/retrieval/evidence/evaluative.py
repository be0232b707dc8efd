"""English words with which viewers praise and pan movies. Pure."""

from __future__ import annotations

PAN = frozenset((
    "overrated", "unwatchable", "unfunny", "waste", "wasted", "wasting", "worst", "boring", "bored",
    "bore", "boredom", "bores", "garbage", "crap", "crappy", "trash", "rubbish", "disappointing",
    "disappointment", "disappointed", "disappoints", "pretentious", "tedious", "tedium",
    "pointless", "lame", "abysmal", "atrocious", "laughable", "joyless", "insufferable", "dull",
    "mediocre", "forgettable", "unoriginal", "uninspired", "uninteresting", "unbearable",
    "overlong", "overhyped", "snooze", "snoozefest", "yawn", "suck", "sucks", "sucked", "letdown",
    "hated", "pathetic", "preachy", "lifeless", "soulless", "amateurish", "contrived", "hackneyed",
    "derivative", "bland", "blah", "dreck", "drivel", "turkey", "stinker", "dud", "yuck",
    "underwhelming", "underwhelmed", "vapid", "insipid", "lousy", "crappiest", "cringe", "cringy",
    "cringeworthy", "plodding", "nonsensical", "incoherent", "unimpressed",
    "unsatisfying", "unentertaining", "rambling", "glacial", "tiresome", "drags", "dragged",
    "interminable", "snore", "asinine", "moronic", "unengaging", "excruciating",
    "downhill",
))  # fmt: skip
"""Words that are hardly used but to pan."""

WEAK_PAN = frozenset((
    "bad", "badly", "worse", "poor", "poorly", "weak", "flat", "awful", "terrible", "horrible",
    "horrendous", "dreadful", "stupid", "dumb", "idiotic", "silly", "ridiculous", "annoying",
    "annoyed", "irritating", "irritated", "cheesy", "corny", "predictable", "clichéd", "cliched",
    "cliche", "cliches", "problem", "problems", "flaw", "flaws", "flawed", "fails", "failed",
    "failure", "fail", "lacks", "lacking", "lacked", "unfortunately", "nonsense", "confusing",
    "unconvincing", "wooden", "clumsy", "ugly", "mess", "messy", "slow", "ruined", "ruins", "hate",
    "hates", "dislike", "disliked", "unrealistic", "unbelievable", "implausible", "sloppy",
    "stereotypical", "generic", "painful", "offensive", "repetitive", "slog",
    "shallow", "meandering", "sappy", "melodramatic", "overdone", "overacted", "unlikable",
    "unlikeable", "underdeveloped", "flop", "avoid", "indulgent",
))  # fmt: skip
"""Words that also tell of a story or count little."""

PRAISE = frozenset((
    "good", "great", "greatest", "best", "better", "love", "loved", "loves", "lovely", "beautiful",
    "beautifully", "brilliant", "brilliantly", "brilliance", "excellent", "excellently", "amazing",
    "amazingly", "masterpiece", "masterful", "masterfully", "masterpieces", "wonderful",
    "wonderfully", "perfect", "perfectly", "perfection", "fantastic", "superb", "superbly",
    "outstanding", "enjoyable", "enjoy", "enjoyed", "fun", "funny", "hilarious", "moving",
    "touching", "entertaining", "entertained", "classic", "delightful", "charming", "charm",
    "incredible", "incredibly", "awesome", "gem", "recommend", "recommended", "favorite",
    "favourite", "impressive", "impressed", "gripping", "captivating", "magnificent", "stunning",
    "gorgeous", "marvelous", "marvellous", "terrific", "remarkable", "memorable", "unforgettable",
    "powerful", "fascinating", "riveting", "engaging", "compelling", "interesting", "refreshing",
    "breathtaking", "spectacular", "exquisite", "flawless", "faultless", "phenomenal", "genius",
    "superior", "special", "nice", "strong", "worth", "worthy", "fresh", "clever", "smart", "happy",
    "liked", "works", "triumph", "treat", "joy", "extraordinary", "exceptional", "solid", "fine",
))  # fmt: skip

MERITS = frozenset((
    "good", "great", "brilliant", "masterpiece", "enjoy", "enjoyed", "enjoyable", "liked",
    "loved", "recommend", "recommended", "impressed", "impressive", "entertaining",
    "entertained", "interesting", "worth", "worthy", "works", "original",
    "engaging", "memorable", "convincing", "excellent", "buy", "depth", "chemistry",
))  # fmt: skip
"""Words that a denial turns into a pan: "not worth it", "no depth"."""

MADE = frozenset((
    "movie", "movies", "film", "films", "acting", "actors", "script", "story", "storyline",
    "direction", "directing", "ending", "dialogue", "dialog", "writing", "pacing", "editing",
    "effects", "cgi", "cast", "performance", "performances", "screenplay", "picture", "flick",
    "sequel", "remake", "adaptation", "pace",
))  # fmt: skip
"""What is made: a weak pan beside one of these is a plain one: "terrible acting"."""
