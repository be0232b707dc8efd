"""What a movie should be like or do to a viewer, in the words of people who ask for it. Pure."""

from __future__ import annotations

from shared.retrieval.moods.mood_phrases import MoodPhrases

FEELINGS = (
    MoodPhrases(
        "cry|crying|cries|tearjerker*|tear jerker*|weep*|sob|sobbing|tears|tissues|ugly cry|"
        "heartbreaking|heart breaking|heartwrenching|heart wrenching|gut wrenching|tragic|"
        "break my heart|breaks my heart|breaks your heart|destroy me emotionally|"
        "emotionally destroy*|wreck me",
        {"sad": 1, "moving": 0.8}, {"funny": 0.3},
    ),
    MoodPhrases(
        "funnier|laugh|laughs|laughing|laughter|funny|funniest|hilarious|giggl*|comic|humour*|"
        "humor*|joke*|"
        "witty|goofy|belly laugh*|crack me up|laugh out loud|lol",
        {"funny": 1},
    ),
    MoodPhrases("comedy|comedies", {"funny": 1}, is_topic=True),
    MoodPhrases(
        "scary|scarier|scare|scared|scares|scariest|frighten*|terrif*|nightmare*|spook*|"
        "jump scare*|scare me|hide behind|sleep with the lights on|hair raising|blood curdling",
        {"scary": 1}, {"funny": 0.3},
    ),
    MoodPhrases("horror", {"scary": 1}, is_topic=True),
    MoodPhrases(
        "dread|creep*|unsettl*|eerie|ominous|sinister|uneasy|unease|under my skin|"
        "under your skin|foreboding|disquieting|menacing|chilling|chills|haunting|haunts me",
        {"creepy": 1, "scary": 0.5, "tense": 0.3}, {"funny": 0.5, "light": 0.5},
    ),
    MoodPhrases(
        "tense|tension|suspens*|edge of my seat|edge of your seat|edge of the seat|"
        "edge of our seats|nail biter|nail biting|nailbit*|forget to breathe|hold my breath|"
        "holding my breath|breathless|gripping|grips me|riveting|heart pounding|heart racing|"
        "nerve wracking|nerve racking|white knuckle|on edge|sweaty palms|cant look away|"
        "keep me awake|keeps me awake|stay awake",
        {"tense": 1},
    ),
    MoodPhrases("thriller|thrillers|thrilling", {"tense": 1}, is_topic=True),
    MoodPhrases(
        "loud and dumb|dumb fun|adrenaline|explosion*|fast paced|nonstop|non stop|thrill ride|"
        "pumped|action packed|"
        "badass|bad ass|car chase*|kick ass|kickass|roller coaster|rollercoaster|wild ride|workout|"
        "at the gym|energy|high octane|blow stuff up|things blow up|punch something|ass kicking|"
        "exhilarat*|fists|mayhem",
        {"action": 1, "tense": 0.3}, {"slow": 0.7},
    ),
    MoodPhrases("action|fight|fights", {"action": 1}, {"slow": 0.5}, is_topic=True),
    MoodPhrases(
        "clever|cleverer|smart|smarter|intelligent|outsmart*|outwit*|brainy|mind game*|cunning|"
        "genius*|cat and mouse|battle of wits|puzzle*|keeps me guessing|keep me guessing|"
        "keeps you guessing|guessing|scheming|mastermind*|cerebral|ingenious",
        {"clever": 1, "twist": 0.3}, {"silly": 0.5},
    ),
    MoodPhrases(
        "con artist*|con man|con men|heist*|swindl*|scam*", {"clever": 1, "twist": 0.3},
        is_topic=True,
    ),
    MoodPhrases(
        "twist|twists|twist ending|plot twist*|see coming|sees coming|saw coming|see it coming|"
        "saw it coming|sees it coming|surprise me|surprising|surprise ending|surprises me|"
        "shocking ending|unpredictable|jaw dropping|jaw drop*|caught me off guard|fools me|"
        "rug pull*|speechless",
        {"twist": 1, "clever": 0.5},
    ),
    MoodPhrases(
        "mind bending|mind bender|mindbend*|mind blowing|mindfuck|mind fuck|blow my mind|"
        "blows my mind|blows your mind|trippy|confusing|confuse me|head scratcher|head scratching|"
        "brain hurt|brain melt*|question reality|questions reality|what is real|"
        "complicated|psychedelic",
        {"mind-bending": 1, "weird": 0.6},
    ),
    MoodPhrases(
        "makes me think|makes you think|make me think|make you think|think about|thinking|"
        "thought provoking|philosoph*|meaning of life|the universe|existential|profound|deep|"
        "big questions|feel small|cosmic|stays with me|stay with me|stays with you|"
        "question everything|food for thought|what it means to be human|moral dilemma*|"
        "change my life|changes my life|change how i see",
        {"deep": 1, "mind-bending": 0.3}, {"silly": 0.5},
    ),
    MoodPhrases(
        "inspir*|motivat*|faith in humanity|faith in love|faith in people|faith in mankind|"
        "believe in people|"
        "believe in myself|empower*|courage|courageous|never give up|dont give up|triumph*|"
        "dreams come true|follow your dream*|strength to go on|keep going|change the world|"
        "get off the couch|start a new life|new beginning*|start over|starting over",
        {"inspiring": 1, "hopeful": 0.7}, {"bleak": 0.6},
    ),
    MoodPhrases(
        "hope|hopeful|kindness|kind people|humanity|redemption|second chance*|good people|"
        "goodness|decency|decent people|forgiveness|compassion",
        {"hopeful": 1, "moving": 0.4}, {"bleak": 0.3},
    ),
    MoodPhrases(
        "underdog*|against all odds|against the odds|beat the odds|from zero to hero|little guy|"
        "nobody believed in",
        {"underdog": 1, "inspiring": 0.6},
    ),
    MoodPhrases(
        "against everybody|against everyone|against the system|against the world|honest person|"
        "honest man|honest people|stands up to|standing up to|stand up to|stands up for|"
        "whistleblower*|does the right thing|doing the right thing|do the right thing|"
        "speaks the truth|speaking truth|injustice|fight the power|alone against|integrity|"
        "moral courage|david and goliath|david against goliath|david versus goliath",
        {"justice": 1, "inspiring": 0.4},
    ),
    MoodPhrases(
        "feelgood|feel good|happy|happiness|happier|joy|joyful|joyous|smile|smiles|smiling|"
        "good mood|wholesome|uplift*|sunny|cheerful|cheery|optimis*|heartwarming|heart warming|"
        "warm|warmth|sweet|charming|charm|delightful|adorable|cute|life affirming|joie de vivre|"
        "love life|glad to be alive|sunshine|positive",
        {"warm": 1, "light": 0.7}, {"bleak": 0.7, "sad": 0.3},
    ),
    MoodPhrases(
        "light|lighthearted|light hearted|lighter|fun|breezy|playful|mindless|easygoing|fluffy|"
        "guilty pleasure|carefree|entertaining|pure entertainment|not too serious|harmless|silly|"
        "goofball|cheesy fun",
        {"light": 1, "funny": 0.5}, {"bleak": 0.7},
    ),
    MoodPhrases(
        "magic|magical|whims*|fairytale*|fairy tale*|enchant*|full of wonder|sense of wonder|"
        "dreamy|make believe|imaginat*|spellbinding",
        {"magical": 1},
    ),
    MoodPhrases(
        "nostalg*|childhood|summer holiday*|summer vacation*|being a kid|being young|being ten|"
        "being twelve|being #|takes me back|take me back|growing up|coming of age|best friend*|"
        "when i was a kid|when i was young|when i was little|when i was #|feel young|young again|"
        "feel like a kid|feel like a child|inner child|my youth|last summer|old times|"
        "good old days|endless summer|feels like summer|like summer|summer night|summer nights",
        {"nostalgic": 1, "friendship": 0.3},
    ),
    MoodPhrases(
        "nobody gets me|no one gets me|nobody understands me|no one understands me|misfit*|"
        "dont fit in|doesnt fit in|misunderstood|im #|teenage angst|teen angst|"
        "high school|hate school|awkward|finding myself|who i am|who am i|outcast*|outsider*",
        {"teenage": 1, "nostalgic": 0.5},
    ),
    MoodPhrases("teen|teens|teenager*|teenage", {"teenage": 1}, is_topic=True),
    MoodPhrases(
        "friendship*|friends for life|buddy|buddies|found family|loyalty|friends forever",
        {"friendship": 1, "warm": 0.4}, is_topic=True,
    ),
    MoodPhrases(
        "getting old|growing old|old age|turning #|im getting older|"
        "regrets|regret|looking back|mortality",
        {"ageing": 1, "moving": 0.4},
    ),
    MoodPhrases(
        "dance|dancing|sing along|singing|tap my feet|toe tapping|groove|"
        "goosebumps music|great music|great soundtrack|great songs|good soundtrack",
        {"musical": 1},
    ),
    MoodPhrases("music|musical|musicals|songs", {"musical": 1}, is_topic=True),
    MoodPhrases(
        "classics|the classics|a classic|old hollywood|golden age|old fashioned|oldie*|vintage|"
        "retro|timeless|dont make them like|like they used to|old movies|old films|black and white",
        {"classic": 1},
    ),
    MoodPhrases(
        "weird|weirder|surreal|bizarre|strange|odd|quirky|crazy|dreamlike|dream like|offbeat|wtf|"
        "out there|unlike anything|never seen before|wacky|insane|what did i just watch|unusual|"
        "eccentric|fever dream",
        {"weird": 1},
    ),
    MoodPhrases(
        "dark humour|dark humor|black humour|black humor|dark comedy|black comedy|deadpan|"
        "absurd|absurdist|satir*|sarcas*|cynical|ironic|dry humour|dry humor|british humour|"
        "twisted|wicked|morbid",
        {"black comedy": 1, "funny": 0.5},
    ),
    MoodPhrases("gritty|raw|realistic|the streets|rough around|unflinching", {"gritty": 1}),
    MoodPhrases(
        "paranoi*|conspira*|trust no one|trust nobody|cant trust|nobody to trust|obsess*|"
        "descent into madness|going mad|losing my mind|loses his mind|loses her mind|"
        "losing it|madness|unreliable narrator|gaslight*",
        {"paranoid": 1, "tense": 0.5},
    ),
    MoodPhrases(
        "claustrophobic|trapped|one room|single room|one location|no way out|no escape|confined|"
        "stranded|cabin fever|survival|fight to survive",
        {"trapped": 1, "tense": 0.6},
    ),
    MoodPhrases(
        "angry|furious|rage|anger|revenge|vengeance|get even|payback|righteous anger|"
        "hate my boss|mad at",
        {"revenge": 1, "action": 0.3},
    ),
    MoodPhrases(
        "over his head|over her head|over their heads|over my head|in too deep|wrong man|"
        "wrong place|wrong time|wrong place at the wrong time|ordinary guy|ordinary man|"
        "ordinary people|ordinary person|average guy|regular guy|everyman|spirals out of control|"
        "everything goes wrong|one bad decision|mistaken identity|nobody in particular",
        {"wrong man": 1, "tense": 0.4},
    ),
    MoodPhrases(
        "sexy|sexier|steamy|sensual*|seduc*|erotic|glamour*|glamor*|sultry|sexual tension|naughty|"
        "racy|turn me on|spicy|sizzling|smoldering|smouldering|desire|forbidden",
        {"sexy": 1, "stylish": 0.4},
    ),
    MoodPhrases("stylish|slick|cool|suave|elegant|effortlessly|swagger", {"stylish": 1}),
    MoodPhrases(
        "beautiful to look at|visually|eye candy|gorgeous|stunning|beautiful images|"
        "beautiful cinematography|like a painting|every frame|feast for the eyes|pretty to look at",
        {"beautiful": 1},
    ),
    MoodPhrases(
        "lover|lovers|love story|love stories|fall in love|falling in love|fell in love|in love|"
        "crush|kiss|kissing|swoon*|soulmate*|soul mate*|believe in love|butterflies|"
        "hopeless romantic|meet cute|true love|first love|passion|passionate",
        {"romantic": 1},
    ),
    MoodPhrases("romance|romances|romantic|romcom|rom com", {"romantic": 1}, is_topic=True),
    MoodPhrases(
        "longing|yearning|yearn|unrequited|never have|cant have|impossible love|forbidden love|"
        "doomed love|pining|one that got away|from afar|missed chance*|what could have been|"
        "unspoken|missing someone|miss someone|miss him|miss her|my ex",
        {"melancholy": 1, "romantic": 0.7, "moving": 0.3},
    ),
    MoodPhrases(
        "melanchol*|bittersweet|bitter sweet|wistful|lonely|loneliness|solitude|solitary|"
        "feeling alone|so alone|autumn*|grief|griev*|mourning|moody|midnight|late night|"
        "late at night|4am|3am|rainy city|neon",
        {"melancholy": 1, "slow": 0.4}, {"action": 0.4},
    ),
    MoodPhrases(
        "slow|slower|slowly|slow burn|slow paced|quiet|quietly|meditat*|contemplat*|poetic|poetry|"
        "silence|stillness|zen|hypnotic|nothing happens|take its time|takes its time|minimal*",
        {"slow": 1}, {"action": 0.7},
    ),
    MoodPhrases(
        "sad|sadder|saddest|sadness|sorrow*|tragedy", {"sad": 1, "moving": 0.5}, {"funny": 0.5}
    ),
    MoodPhrases(
        "moving|touching|touch my heart|touches my heart|touches the heart|emotional|emotions|"
        "goosebumps|heartfelt|heart felt|tender|tenderness|poignant|feel something|feel everything|"
        "feel alive|soulful|heart and soul|full of heart|the feels",
        {"moving": 1},
    ),
    MoodPhrases(
        "dark|darker|darkest|bleak|grim|depressing|disturb*|harrowing|devastat*|brutal|nihilis*|"
        "hopeless|hopelessness|messed up|fucked up|despair|traumati*|soul crushing|leaves me empty|"
        "punch in the gut|gut punch|hard to watch|misery|angsty",
        {"bleak": 1}, {"light": 0.5, "funny": 0.3},
    ),
    MoodPhrases(
        "heavy|serious|downer|upsetting|intense", {"bleak": 1, "sad": 0.5}, {"light": 0.3}
    ),
    MoodPhrases(
        "violent|violence|gory|gore|blood|bloody|bloodshed|bloodbath|slasher|savage|carnage|"
        "killing|killings|torture|blood and guts",
        {"violent": 1},
    ),
    MoodPhrases(
        "epic|grand|spectac*|big screen|breathtaking|escapis*|escape reality|take me away|"
        "takes me away|take me somewhere|another world|other worlds|larger than life|sweeping|"
        "majestic|swashbuckl*",
        {"epic": 1},
    ),
    MoodPhrases("adventure*", {"epic": 1}, is_topic=True),
    MoodPhrases(
        "wanderlust|travel without leaving|want to travel|wants to travel|travel the world|"
        "on vacation|a vacation|"
        "pack my bags|road trip*|far away|get away|get out of the city|open road|need a holiday|"
        "see the world",
        {"far away": 1, "light": 0.3},
    ),
    MoodPhrases(
        "talk all night|talking all night|conversation*|dialogue*|just talking|two people talking|"
        "people talking|talky|witty banter|banter",
        {"talkative": 1},
    ),
    MoodPhrases("stupid|dumb|idiotic|brainless|crude|childish|immature|vulgar", {"silly": 1}),
    MoodPhrases(
        "sugary|cheesy|corny|sappy|sentimental*|cutesy|saccharine|mushy|schmaltz*|soppy|kitsch*|"
        "tearful|syrupy|preachy|twee",
        {"warm": 1, "family": 0.3},
    ),
    MoodPhrases("happy ending*|happy end|happily ever after|ends well", {"warm": 1, "light": 0.5}),
    MoodPhrases(
        "sad ending*|unhappy ending*|tragic ending*|ends badly|no happy ending",
        {"sad": 1, "bleak": 0.4},
    ),
    MoodPhrases(
        "battle|battles|battle scene*|combat|soldier*", {"warlike": 1, "violent": 0.4},
        is_topic=True,
    ),
    MoodPhrases("sex|nudity|nude|sex scene*", {"sexy": 1}, is_topic=True),
)  # fmt: skip
