"""Readers of single values, for files and pages alike: each knows the notations people use.

A reader returns the value, or None when there is none, and raises ``ValueUnread`` when something is
there that it cannot read: the field is then left out and counted, and the row is kept. Nothing is
stored as Python would print it.
"""
