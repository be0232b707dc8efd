"""Publishes snapshots of the database, and activates the snapshots that operators request.

Only ``services.embedder.service`` imports this package. ``publisher.Publisher`` writes snapshots,
``publish_schedule.Schedule`` decides when, ``activation_handler.ActivationHandler`` rolls back.
"""
