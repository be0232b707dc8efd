"""The messages between the services over Redis, and the rules by which none is lost.

``messages`` declares them; ``streams`` and ``pending`` hold the delivery rules; ``dead_letters``
has the entries that could not be stored. ``keys`` names everything in Redis, ``lua`` runs scripts,
``heartbeats`` show which services are alive, and ``redis_check`` refuses a server that cannot do
the work. Every service may import this package. Central classes: ``messages.ReviewMessage``,
``streams.StreamConsumer``, ``lua.Script``.
"""
