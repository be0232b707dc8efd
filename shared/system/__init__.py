"""The operating system: CPUs, memory, files, locks, child processes, and retries.

It imports no other package of this project, and every other one may import it.
"""
