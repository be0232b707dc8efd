"""What travels between the services over Redis, and the rules by which nothing is lost.

``messages`` declares what travels, ``streams`` and ``pending`` hold the delivery rules,
``dead_letters`` what could not be stored. Every service may import this room; it imports
``shared.system`` only. Central classes: ``messages.ReviewMessage``, ``streams.StreamConsumer``.
"""
