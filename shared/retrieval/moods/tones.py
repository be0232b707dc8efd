"""Tones: what a movie is like, in the words in which viewers say so. Pure.

A person asks for "a rainy Sunday under a blanket"; no viewer writes that. Viewers write that a
movie is heartwarming. So a tone has a sentence, which is compared with the passages of reviews by
its vector, and words, which are searched in the reviews.
"""

from __future__ import annotations

from typing import NamedTuple


class Tone(NamedTuple):
    """What a movie can be like.

    Attributes:
        sentence: What viewers say of such a movie.
        words: Words that they use; commas keep them apart, because BM25 also scores pairs.
    """

    sentence: str
    words: str


TONES = {
    "funny": Tone(
        "A hilarious comedy that makes you laugh out loud, full of jokes and witty humour.",
        "funny, hilarious, laugh, comedy, humor, jokes, laughs",
    ),
    "light": Tone(
        "A light-hearted, easy-going, charming and fun movie that leaves you with a smile.",
        "charming, fun, light, delightful, lighthearted, entertaining, smile",
    ),
    "warm": Tone(
        "A heartwarming, feel-good movie that is sweet and uplifting and makes you happy.",
        "heartwarming, uplifting, sweet, feel-good, heart, warm, joy, happy",
    ),
    "family": Tone(
        "A wonderful family film for children and adults alike, the kids loved it.",
        "family, kids, children, animated, adults, cartoon",
    ),
    "sad": Tone(
        "A heartbreaking, tragic and very sad film that made me cry.",
        "sad, heartbreaking, cry, tears, tragic, emotional, tragedy",
    ),
    "moving": Tone(
        "A deeply moving and touching story that brought tears to my eyes.",
        "moving, touching, tears, emotional, heart, beautiful",
    ),
    "bleak": Tone(
        "A dark, bleak, depressing and disturbing film that is hard to watch.",
        "bleak, depressing, disturbing, harrowing, grim, brutal",
    ),
    "violent": Tone(
        "An extremely violent, bloody and brutal film with a lot of killing and gore.",
        "violence, violent, bloody, brutal, gore, blood, killing",
    ),
    "scary": Tone(
        "A terrifying horror film that is frightening, creepy and full of dread.",
        "scary, horror, terrifying, creepy, frightening, scared",
    ),
    "creepy": Tone(
        "An eerie, unsettling, slow-burning atmosphere of dread and unease.",
        "eerie, unsettling, atmosphere, dread, creepy, haunting",
    ),
    "tense": Tone(
        "A tense, gripping and suspenseful thriller that keeps you on the edge of your seat.",
        "suspense, tense, tension, edge, seat, gripping, thriller, nail-biting",
    ),
    "action": Tone(
        "A fast-paced, thrilling action movie with spectacular fights, chases and stunts.",
        "action, fights, chase, adrenaline, thrilling, stunts, explosions, fast-paced",
    ),
    "epic": Tone(
        "A grand, epic adventure of breathtaking scale and spectacle.",
        "epic, adventure, spectacular, scale, grand",
    ),
    "slow": Tone(
        "A slow, quiet, meditative and contemplative film.",
        "slow, quiet, meditative, contemplative, poetic, pace",
    ),
    "melancholy": Tone(
        "A bittersweet, melancholic and wistful film about loneliness and longing.",
        "bittersweet, melancholy, melancholic, loneliness, longing, lonely, wistful",
    ),
    "romantic": Tone(
        "A beautiful, romantic love story with two people falling in love.",
        "romantic, romance, love, couple, falling",
    ),
    "sexy": Tone(
        "A sexy, sensual and seductive film with erotic tension and glamour.",
        "sexy, sensual, erotic, seductive, glamorous, passion",
    ),
    "stylish": Tone(
        "A cool, stylish film with gorgeous visuals, great music and sharp dialogue.",
        "stylish, cool, style, slick, visuals",
    ),
    "beautiful": Tone(
        "Visually stunning, with breathtaking cinematography; every frame is a painting.",
        "stunning, cinematography, beautiful, visually, breathtaking, gorgeous, imagery",
    ),
    "clever": Tone(
        "A clever, intelligent plot with smart twists that keeps you guessing.",
        "clever, smart, intelligent, twists, plot, brilliant",
    ),
    "twist": Tone(
        "There is a shocking twist ending that you never see coming.",
        "twist, ending, surprise, shocking, reveal",
    ),
    "mind-bending": Tone(
        "A mind-bending, complex and confusing film that makes you think.",
        "mind-bending, complex, confusing, thought-provoking, mind",
    ),
    "deep": Tone(
        "A profound, philosophical film about the meaning of life and our place in the universe.",
        "philosophical, profound, meaning, existence, universe, life",
    ),
    "inspiring": Tone(
        "An inspiring true story of courage, hope and the triumph of the human spirit.",
        "inspiring, inspirational, courage, hope, triumph, spirit",
    ),
    "hopeful": Tone(
        "In the end it is hopeful and restores your faith in humanity and kindness.",
        "hope, hopeful, humanity, kindness, faith, redemption",
    ),
    "underdog": Tone(
        "An underdog who overcomes all the odds and wins in the end.",
        "underdog, odds, triumph, determination, overcome",
    ),
    "justice": Tone(
        "A man of integrity stands alone against a corrupt system and fights for justice.",
        "integrity, justice, corruption, principles, truth, conscience, honest",
    ),
    "magical": Tone(
        "A magical, whimsical and enchanting fantasy full of imagination and wonder.",
        "magical, whimsical, magic, enchanting, fantasy, imagination, wonder",
    ),
    "nostalgic": Tone(
        "A nostalgic, coming-of-age story of childhood, friendship and growing up.",
        "nostalgic, nostalgia, childhood, friendship, growing, coming-of-age",
    ),
    "teenage": Tone(
        "A teenager struggles with school, loneliness, identity and growing up.",
        "teenager, teenage, teen, high, school, adolescence, growing",
    ),
    "friendship": Tone(
        "A wonderful story of true friendship and loyalty between friends.",
        "friendship, friends, friend, loyalty, bond",
    ),
    "parents": Tone(
        "A moving story about the bond between a mother or father and their child.",
        "mother, father, son, daughter, parents, child, family",
    ),
    "ageing": Tone(
        "A tender film about old age, memory, regret and looking back on a life.",
        "old, age, elderly, ageing, memory, regret, past",
    ),
    "musical": Tone(
        "A joyful musical with wonderful songs and dancing.",
        "musical, songs, dance, dancing, singing, music",
    ),
    "classic": Tone(
        "A timeless classic of old Hollywood with great stars and elegance.",
        "classic, timeless, hollywood, golden, black-and-white, stars",
    ),
    "weird": Tone(
        "A strange, bizarre, surreal and dreamlike film.",
        "surreal, bizarre, weird, strange, dreamlike",
    ),
    "silly": Tone(
        "A silly, dumb and stupid movie with crude jokes.",
        "stupid, silly, dumb, crude, idiotic",
    ),
    "black comedy": Tone(
        "A black comedy, darkly funny, with deadpan, absurd and wicked humour.",
        "black, dark, comedy, deadpan, satire, absurd, irony, wicked",
    ),
    "gritty": Tone(
        "A gritty, realistic and raw film about crime and the streets.",
        "gritty, realistic, raw, crime, streets",
    ),
    "paranoid": Tone(
        "A paranoid thriller of conspiracy and madness in which nobody can be trusted.",
        "paranoia, paranoid, conspiracy, trust, madness, obsession, insanity",
    ),
    "trapped": Tone(
        "Claustrophobic: trapped in one place with no way out, and a fight to survive.",
        "claustrophobic, trapped, survival, survive, isolated, confined",
    ),
    "revenge": Tone(
        "A story of revenge and rage in which he hunts down those who wronged him.",
        "revenge, vengeance, rage, anger, avenge",
    ),
    "wrong man": Tone(
        "An ordinary man is caught up in a dangerous situation that spirals out of control.",
        "ordinary, everyman, caught, spirals, control, mistaken, trouble",
    ),
    "warlike": Tone(
        "A brutal war movie with battle scenes, soldiers and combat.",
        "war, battle, soldiers, combat, battles",
    ),
    "talkative": Tone(
        "The whole film is people talking; the conversations and dialogue are wonderful.",
        "dialogue, conversation, talk, talking, conversations",
    ),
    "culinary": Tone(
        "A delicious film about food, cooking, chefs and restaurants that makes you hungry.",
        "food, cooking, chef, restaurant, delicious, meal",
    ),
    "far away": Tone(
        "A journey through beautiful landscapes and far-away places that makes you want to travel.",
        "journey, travel, road, trip, landscape, scenery",
    ),
}  # fmt: skip
