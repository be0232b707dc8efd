"""The map of all movies: points in the plane, clusters and their names.

``map_layout``, ``placement`` and ``cluster_names`` compute (pure); ``map_build`` reads the files of
the snapshot that is being written. Only publishing imports this room.
"""
