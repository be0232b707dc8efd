"""Moods and situations: what a movie should feel like, where the text names no topic.

Start with ``mood_reader.read_mood``. ``tones`` says what movies can be like, ``occasions`` and
``feelings`` which tones people ask for with which phrases; ``shared.retrieval.ranking.tone_scores``
ranks by them. The phrases are English.
"""
