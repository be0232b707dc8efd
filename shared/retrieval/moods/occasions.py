"""Who watches, when and in which state, and the tones that suit. Pure.

General knowledge about people, not about any catalogue: who is sick in bed wants no horror.
"""

from __future__ import annotations

from shared.retrieval.moods.mood_phrases import MoodPhrases

_HARSH = {"bleak": 1.0, "violent": 0.7, "scary": 0.7, "sad": 0.7}
_FOR_CHILDREN = {"violent": 1.0, "scary": 0.7, "bleak": 0.7, "sexy": 0.3}
_FOR_ELDERS = {"violent": 1.0, "sexy": 0.5, "bleak": 0.5}
_FOR_TWO = {"bleak": 0.8, "violent": 0.6}
_NO_EFFORT = {**_HARSH, "tense": 0.5, "mind-bending": 0.3}
_NO_GLOOM = {**_HARSH, "sad": 1.0}

OCCASIONS = (
    # Who watches.
    MoodPhrases(
        "whole family|entire family|with the family|with my family|with our family|"
        "with the kids|with kids|with my kids|with our kids|with children|with the children|"
        "with my children|for kids|for the kids|for my kids|for children|for the children|"
        "kids movie|kids movies|kids film|kids films|childrens movie|childrens movies|"
        "childrens film|childrens films|little ones|my grandchildren|my grandkids|toddler*|my son|"
        "my sons|my daughter*|my nephew*|my niece*|my little brother|my little sister|"
        "# year old*|# yr old*|family movie|family film|family movie night|family night|babysit*|"
        "all ages|young and old|family friendly|kid friendly",
        {"family": 1.0, "warm": 0.5}, _FOR_CHILDREN, of_asker=True,
    ),
    MoodPhrases(
        "kids|kid|children|child", {"family": 1.0, "warm": 0.5}, _FOR_CHILDREN,
        of_asker=True, is_topic=True,
    ),
    MoodPhrases(
        "my grandma*|my grandmother*|my grandpa*|my grandfather*|my grandad*|my granddad*|"
        "my granny|my nana|my grandparents|in laws|my mother in law|my mom|my mum|my mother|my dad|"
        "my father|my parents|my aunt|my uncle|our parents",
        {"warm": 1.0, "light": 0.7, "classic": 0.4}, _FOR_ELDERS, of_asker=True,
    ),
    MoodPhrases(
        "grandma*|grandmother*|grandpa*|grandfather*|grandad*|granddad*|granny|nana|mom|mum|dad|"
        "parents",
        {"warm": 1.0, "light": 0.7, "classic": 0.4}, _FOR_ELDERS, of_asker=True, is_topic=True,
    ),
    MoodPhrases(
        "date night|first date|movie date|on a date|my girlfriend|my boyfriend|my wife|my husband|"
        "my partner|my fiance*|our anniversary|my anniversary|wedding anniversary|valentines day|"
        "valentines|romantic evening|romantic night|our honeymoon",
        {"romantic": 1.0, "light": 0.6}, _FOR_TWO, of_asker=True,
    ),
    MoodPhrases(
        "girlfriend|boyfriend|wife|husband|anniversary|honeymoon|date",
        {"romantic": 1.0, "light": 0.6}, _FOR_TWO, of_asker=True, is_topic=True,
    ),
    MoodPhrases(
        "friends over|friends coming over|friends are over|friends are coming|with friends|"
        "with my friends|with some friends|with a few friends|with the boys|with the guys|"
        "with the girls|with the lads|my mates|my roommates|pizza and beer|beer and pizza|"
        "beers and pizza|pizza night|wine night|movie night|game night|girls night|boys night|"
        "bachelor party|bachelorette party|crowd pleaser|popcorn movie|for a group|"
        "group of friends over",
        {"funny": 1.0, "action": 0.5, "light": 0.5}, {"slow": 1.0, "bleak": 1.0}, of_asker=True,
    ),
    MoodPhrases(
        "pizza|beer|beers|party|popcorn|mates|crowd|friends",
        {"funny": 1.0, "action": 0.5, "light": 0.5}, {"slow": 1.0, "bleak": 1.0},
        of_asker=True, is_topic=True,
    ),
    # When and where.
    MoodPhrases(
        "rainy day|rainy sunday|rainy saturday|rainy afternoon|rainy evening|rainy night|"
        "rainy weekend|its raining|rain outside|raining outside|stormy night|stormy evening|"
        "lazy sunday|lazy saturday|lazy day|lazy afternoon|lazy evening|lazy morning|lazy weekend|"
        "sunday afternoon|sunday morning|sunday evening|sunday night|quiet evening|snowed in|"
        "snowy day|snowy evening|snowy night|its snowing|snow outside|cold night|cold outside|"
        "winter evening|winter night|autumn evening|under a blanket|under the blanket|"
        "under blankets|blanket and|under the covers|hot chocolate|cup of tea|by the fire|"
        "fireplace|on the sofa|on the couch|curl up|curled up|in my pyjamas|in my pajamas",
        {"warm": 1.0, "light": 0.6, "magical": 0.3}, _HARSH, of_asker=True,
    ),
    MoodPhrases(
        "rainy|sunday|blanket*|pyjamas|pajamas|snowing",
        {"warm": 1.0, "light": 0.6, "magical": 0.3}, _HARSH, of_asker=True, is_topic=True,
    ),
    MoodPhrases(
        "cosy|cozy|comfort food|comfort movie|comfort film|comfort watch|comforting|comfort|"
        "warm hug|"
        "like a hug|hug|hugs|snuggl*|cuddl*|homely|soothing|gentle|calming|calm|peaceful|"
        "reassuring|hygge",
        {"warm": 1.0, "light": 0.6, "magical": 0.3}, _HARSH,
    ),
    MoodPhrases(
        "christmas*|xmas|holiday season|new years eve|thanksgiving|easter",
        {"warm": 1.0, "family": 0.5}, {"bleak": 0.5, "violent": 0.5}, is_topic=True,
    ),
    MoodPhrases(
        "halloween|sleepover|friday the #|lights off|alone at night|scare each other",
        {"scary": 1.0, "creepy": 0.4}, of_asker=True,
    ),
    # In which state.
    MoodPhrases(
        "sick in bed|ill in bed|im sick|im ill|home sick|sick at home|sick day|got the flu|"
        "have the flu|have a cold|with a cold|hangover|hung over|hungover|worn out|long day|"
        "long week|hard day|hard week|rough day|rough week|stressful day|stressful week|busy day|"
        "busy week|bad day|bad week|terrible day|terrible week|awful day|horrible day|tough day|"
        "tough week|shitty day|crazy week|after work|unwind|wind down|wind me down|relax|relaxing|"
        "relaxed|chill|chill out|de stress|decompress|switch off|brain off|turn my brain off|"
        "turn off my brain|turn your brain off|shut my brain off|cant sleep|cannot sleep|"
        "fall asleep to|before bed|before sleep|at bedtime|burned out|burnt out|easy to watch|"
        "easy watch|easy watching|easy going|undemanding|nothing heavy|in the background|"
        "as background|while ironing|while cooking|while i cook|while i iron|while cleaning|"
        "on a plane|on the plane|long flight|on the train|day off|brain candy|im tired|so tired|"
        "im exhausted|im stressed|so stressed|feeling stressed|feeling anxious|im anxious|"
        "im worried|overwhelmed|too tired",
        {"light": 1.0, "warm": 0.8, "funny": 0.5}, _NO_EFFORT, of_asker=True,
    ),
    MoodPhrases(
        "tired|exhausted|stressed*|stressful|anxious|anxiety|insomnia|fever|flu|exam|exams|bedtime|"
        "worried|sick|ill",
        {"light": 1.0, "warm": 0.8, "funny": 0.5}, _NO_EFFORT, of_asker=True, is_topic=True,
    ),
    MoodPhrases(
        "cheer me up|cheers me up|cheer us up|cheer you up|cheer up|cheering up|got dumped|"
        "was dumped|been dumped|left me|dumped me|broke up with me|after a breakup|"
        "after a break up|after my breakup|after my divorce|my breakup|my divorce|"
        "my heart is broken|im heartbroken|feeling down|feeling low|feeling blue|feeling sad|"
        "feeling lonely|feel down|feel low|feel sad|feel lonely|feel blue|im sad|im down|im lonely|"
        "im depressed|im so sad|im so lonely|feel better|feel less alone|pick me up|lost my job|"
        "got fired|quit my job|fight with my|argument with my|fell out with|im homesick|"
        "lift my spirits|lift my mood|lifts my mood|make me happy|makes me happy|make me smile|"
        "makes me smile|gloomy day|grey day|failed my|bad news|winter blues|in a bad mood|"
        "had a fight|hard time|hard times|rough patch|nothing is going right|im bored|"
        "bored out of my mind|bored and|"
        "im miserable|having a bad",
        {"warm": 1.0, "funny": 0.7, "light": 0.7}, _NO_GLOOM, of_asker=True,
    ),
    MoodPhrases(
        "breakup|break up|broke up|dumped|divorce|divorced|heartbroken|broken heart|depressed|"
        "homesick|bored|miserable|gloomy",
        {"warm": 1.0, "funny": 0.7, "light": 0.7}, _NO_GLOOM, of_asker=True, is_topic=True,
    ),
    MoodPhrases(
        "call your mum|call your mom|call your mother|call my mum|call my mom|call my mother|"
        "call your parents|call my parents|call your dad|call my dad|miss my mum|miss my mom|"
        "miss my mother|miss my dad|miss my father|miss my parents|hug my kids|hug my parents|"
        "hug my mum|hug my mom|hug my dad|thank my parents|appreciate my parents",
        {"parents": 1.0, "moving": 0.6}, of_asker=True,
    ),
    MoodPhrases(
        "makes me hungry|make me hungry|im hungry|im starving|mouth water*|foodie*|"
        "made me hungry|makes you hungry",
        {"culinary": 1.0, "warm": 0.3}, of_asker=True,
    ),
    MoodPhrases("hungry|starving", {"culinary": 1.0}, of_asker=True, is_topic=True),
)  # fmt: skip
