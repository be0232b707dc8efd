"""The operating system: CPU count, memory, scratch folders, durable files, bounded caches.

This room imports nothing of ours, and every other room may import it.
"""
