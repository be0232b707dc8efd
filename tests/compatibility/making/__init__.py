"""This generator makes the files in ``tests/compatibility/c8131ff`` with that old version.

It must be run in a checkout of commit c8131ff, whose modules do all the work: the real crawl, the
real embedder loops, the real publisher, query service and Redis server. Only the encoder is the one
that the tests use, so that the vectors stay small; an artefact of a tiny model is made as well.
From the checkout that this folder is in::

    main=$PWD
    git worktree add ../old c8131ff
    mkdir ../made
    cp tests/compatibility/c8131ff/legacy.env tests/compatibility/c8131ff/sources.toml ../made
    cd ../old
    PYTHONPATH=$PWD:$main/tests/compatibility $main/.venv/bin/python -m making ../made

The package is called ``making`` here, without ``tests.compatibility``, because ``tests``,
``services`` and ``shared`` must all be the packages of the old checkout. For the same reason its
modules import each other relatively, and they import every module of c8131ff by its name in a
string (``old.py``): the checkout that this folder is in need not have that module any more.

Without the argument, the files are written into ``tests/compatibility/c8131ff`` itself.
``sources.toml``, ``legacy.env`` and ``README.md`` are written by hand; the generator reads the
first two in the folder that it writes into, and records what they mean.

Nothing else imports this package.
"""
