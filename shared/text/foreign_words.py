"""Words of other languages that people type for movies. Data only.

An English catalogue does not know most of them, and many are a letter away from an English word
("triste", "trite"); they are no slips. Written for this project; without accents.
"""

from __future__ import annotations

from typing import Final

_SPANISH = """
accion alegre amistad amor amores animacion aventura aventuras bailar barrio belica bonita bonito
bruja brujas buena bueno casa chica chico chistosa ciencia cine clasica comedia comedias corazon
crimen cuento dinero divertida divertido drama emocionante emotiva espacio espanol esperanza familia
fantasia feliz fantasma fantasmas ficcion graciosa guerra guerras hermana hermano hermosa hijo
historia historias humor infantil juego ladron lagrimas largo linda llorar locura magia mejor
mejores miedo misterio mujer mujeres mundo musica navidad negro ninos noche pelicula peliculas
policia primavera profunda risa romance romantica romantico sangre soledad suave suspenso sueno
tarde tension terror tierna triste tristes tristeza tranquila vaquero vaqueros venganza verano vida
viaje vieja viejo zombi zombis
"""
_FRENCH = """
amitie amour amoureux amusant amusante annees aventure aventures beau belle bizarre calme chanson
coeur combat comedie comedies comique conte copains crime cinema danse dessin doux douce drole
droles ecole effrayant emouvant emouvante enfant enfants enquete espoir etrange famille fantome fete
fille flic flics folie francais garcon guerre heureux histoire histoires horreur humour jeune jeux
joie jolie larmes leger legere magie mariage meilleur meilleurs mere monde mort musique mystere noel
noir nuit paix pere peur pleurer policier printemps reve reves rire rires romantique sang sombre
soir tendre touchant triste tristes tristesse tueur vengeance vieux vie voyage
"""
_GERMAN = """
abenteuer angst besten blut bruder deutsch ehe einsam einsamkeit ernst familie fantasie freude
freund freunde freundschaft frieden froh gefuhl geist geister geschichte gluck glucklich grusel
gruselig gruselige hass heiter heimat hexe hoffnung humor jugend kinder kinderfilm klassiker komodie
komodien krieg kriegsfilm krimi langsam leben leicht leise liebe liebesfilm lustig lustige lustiger
lustiges madchen marchen mord musik mutter nacht ruhig ruhige rache reise roman romantisch schon
schone schwarz sommer spannend spannende spannung spass stark tanz tier tiere tod traum traume
traurig traurige trauriger trauriges vater wald weihnachten weinen welt witzig witzige wunder zeit
"""
_ITALIAN = """
allegro amici amicizia amore azione avventura bambini bella bello bosco canzone casa commedia
commedie commovente cuore dolce donna donne estate fantascienza fantasma felice felicita fiaba
figlio gioia giallo giovane guerra lacrime lento magia malinconico mare matrimonio migliore mistero
mondo morte musica natale notte orrore pace padre paura piangere poliziesco ragazza ragazzi ridere
romantico sangue scuola sogno sogni solitudine speranza storia storie strano strega tenero triste
tristi uomo vecchio vendetta viaggio vita
"""
_PORTUGUESE = """
acao alegria amizade animacao assustador aventura belo bonito bruxa comedia coracao crianca criancas
desenho engracada engracado escola esperanca familia feliz ficcao filho filme filmes guerra irmao
lagrimas leve magia medo melhor melhores misterio mulher mundo natal noite paz policial rir risada
romantico sangue saudade solidao sonho suspense tensao triste tristes velho verao vida viagem
vinganca
"""
FOREIGN_WORDS: Final = frozenset(f"{_SPANISH} {_FRENCH} {_GERMAN} {_ITALIAN} {_PORTUGUESE}".split())
