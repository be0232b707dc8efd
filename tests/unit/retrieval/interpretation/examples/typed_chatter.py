"""Talk about the search, of which nothing else is understood."""

from __future__ import annotations

from tests.unit.retrieval.interpretation.examples.example import understood

CHATTER = (
    understood(
        "can you recommend me a good movie to watch tonight about lonely robots please?",
        rest="lonely robots",
    ),
    understood("a movie set in the 60s", rest="set in the 60s"),
    understood("something scary", rest="scary"),
    understood("a movie about the 60s", rest="about the 60s"),
    understood("film about a comedy writer", rest="comedy writer"),
    understood("a movie about Tom Hanks", rest="about Tom Hanks"),
    understood("I want to watch a movie where the dog survives", rest="the dog survives"),
    understood("what's a good film for a first date?", rest="for a first date"),
    understood("any suggestions for a sad movie?", rest="sad movie"),
    understood("recommend me something uplifting", rest="uplifting"),
    understood("please find me a movie about chess", rest="chess"),
    understood("do you know a film about time loops", rest="time loops"),
    understood(
        "can you help me find a film where everyone dies in the end",
        rest="everyone dies in the end",
    ),
    understood("a movie from my childhood", rest="from my childhood"),
    understood("something funny for a date", rest="funny for a date"),
    understood("movies directed by women", rest="directed by women"),
    understood("movies that make you think", rest="make you think"),
    understood("movies about war", rest="war"),
    understood("movies in black and white", rest="in black and white"),
    understood("scariest movie ever", rest="scariest"),
    understood(
        "that one movie where the guy wakes up every day the same",
        rest="the guy wakes up every day the same",
    ),
    understood("something 😢", rest="😢"),
    understood("what's that movie about dreams inside dreams?", rest="dreams inside dreams"),
    understood("whats a good movie for date night", rest="for date night"),
    understood("films by female directors", rest="by female directors"),
    understood(
        "What was the name of the movie where a shark attacks a beach town?",
        rest="shark attacks a beach town",
    ),
    understood("name of the movie with the blue pill", rest="the blue pill"),
    understood("i'm trying to remember a film about chess", rest="chess"),
    understood("there's this movie where everyone forgets", rest="everyone forgets"),
    understood("best movies about chess", rest="chess"),
)
