"""Data of earlier versions is read, and work goes on from it.

The files in ``c8131ff/`` were made by that commit (see ``making``) and never change, whatever
changes here: an operator who upgrades has a data folder, a Redis server, a file of sources and an
environment like these.
"""
