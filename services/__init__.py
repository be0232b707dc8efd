"""The three services, and what composes them: ``local``, ``evaluation`` and ``cli``."""
