"""Operations of the admin API: runs, dead letters and snapshots, behind the Bearer token.

Only ``services.query.app`` imports the routes.
"""
