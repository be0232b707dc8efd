"""English words whose form no rule of ``shared.text.stemmer`` decides. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _words(table: str) -> frozenset[str]:
    return frozenset(table.split())


def _pairs(table: str) -> dict[str, str]:
    """Each line is a word and the forms that become it."""
    return {form: word for word, *forms in map(str.split, table.split("\n")) for form in forms}


WHOLE: Final = _words(
    """
    alias always atlas besides bias canvas christmas corps lens mars news perhaps series species
    texas vegas anything being ceiling darling during earring evening everything herring inkling
    lightning longing morning nothing offspring outing pudding sibling something sterling viking
    wedding beloved hatred hundred indeed infrared kindred moped naked rugged sacred wicked
    wretched alfred fred manfred wilfred winifred bowling browning fleming kipling beijing boeing
    wyoming atelier barrier brigadier cashier cavalier chandelier chevalier courier croupier
    dossier financier frontier gondolier grenadier hotelier javier olivier pier portier premier
    priest rapier soldier terrier tier xavier brier glacier modest baroness business eyewitness
    fitness governess guinness harness highness likeness lioness wilderness witness does goes
    dated
    """
)
"""Words that only look as if they had an ending, or whose ending has made another word of them."""

IE_WORDS: Final = _words(
    """
    auntie baddie birdie boogie bookie brownie calorie collie cookie cutie eerie foodie genie
    goalie goodie groupie hippie hoodie hottie indie junkie kiddie lassie laddie movie newbie
    oldie pixie prairie rookie roomie selfie sortie sweetie talkie townie walkie veggie yuppie
    zombie
    """
)
"""Words whose plural ends in -ies although they end in -ie."""

E_ENDINGS: Final = _words(
    """
    ache apache attache avalanche axe cache cliche creche douche gouache headache heartache
    moustache mustache niche pastiche porsche psyche quiche stomachache toothache aloe canoe doe
    floe foe hoe horseshoe oboe shoe snowshoe throe tiptoe toe woe
    """
)
"""Words that end in -che, -xe or -oe, whose plural adds only an s."""

E_STEMS: Final = _words(
    """
    ach ag aw creat dy ey guid ic ow us bath breath cloth loath seeth sooth teeth writh bast hast
    past tast wast bing chang cring fring hing loung lung mang plung rang spong ting whing
    """
)
"""What -ing or -ed leaves of words of one syllable with an e that no rule puts back."""

KEEPS_E: Final = _words(
    """
    artiste envelope fatale finale heroine humane locale morale premiere rationale secrete severe
    urbane
    """
)
"""Long words that another word differs from only by its missing e."""

IRREGULAR: Final[Mapping[str, str]] = _pairs(
    """\
man men
woman women
policeman policemen
gentleman gentlemen
businessman businessmen
henchman henchmen
fireman firemen
child children
foot feet
tooth teeth
mouse mice
goose geese
bus buses
gas gases
quiz quizzes
crisis crises
wolf wolves
werewolf werewolves
wife wives
housewife housewives
knife knives
thief thieves
elf elves
half halves
shelf shelves
dwarf dwarves
go going gone went
die dying
lie lying
tie tying
agree agreed
disagree disagreed
free freed
guarantee guaranteed
beat beaten
become became
begin began begun
bend bent
bite bitten
bleed bled
blow blew blown
break broke broken
bring brought
build built
burn burnt
buy bought
catch caught
choose chose chosen
come came
deal dealt
dig dug
draw drawn drew
dream dreamt
drink drank
drive driven drove
eat ate eaten
fall fallen fell
feed fed
feel felt
fight fought
flee fled
fly flew flown
forbid forbidden
forget forgot forgotten
forgive forgave forgiven
freeze froze frozen
get got gotten
give gave given
grow grew grown
hang hung
have had
hear heard
hide hid hidden
hold held
keep kept
know knew known
lead led
learn learnt
lend lent
make made
mean meant
meet met
pay paid
prove proven
ride ridden rode
run ran
say said
seek sought
sell sold
send sent
shake shaken shook
show shown
sing sang sung
sleep slept
speak spoke spoken
spend spent
spin spun
stand stood
steal stole stolen
stick stuck
strike struck
swear swore sworn
sweep swept
swim swam swum
take taken took
teach taught
tear tore torn
tell told
think thought
throw threw thrown
understand understood
wake woke woken
wear wore worn
weep wept
win won
write written wrote
big bigger biggest
cheap cheaper cheapest
dark darker darkest
deep deeper deepest
fast faster fastest
great greater greatest
hot hotter hottest
light lighter lightest
long longer longest
nice nicer nicest
old older oldest
sad sadder saddest
short shorter shortest
small smaller smallest
slow slower slowest
smart smarter smartest
soft softer softest
strong stronger strongest
sweet sweeter sweetest
tough tougher toughest
warm warmer warmest
weak weaker weakest
weird weirder weirdest
young younger youngest
color colour
favorite favourite
gray grey
honor honour
humor humour
neighbor neighbour
center centre
theater theatre"""
)
"""Forms that are made otherwise than by an ending, comparison, and British spellings."""
