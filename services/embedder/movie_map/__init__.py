"""The map of all movies: points in the plane, clusters and their names.

Everything here is pure computation; ``publishing.map_build`` reads and writes the files. Only
publishing imports this package. Central: ``map_layout.lay_out`` and ``cluster_names.WordCount``.
"""
