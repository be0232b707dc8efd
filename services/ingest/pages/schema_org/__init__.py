"""Movies and reviews out of schema.org markup: JSON-LD and microdata. Pure.

Spiders import ``extraction``; the other modules are its parts.
"""
