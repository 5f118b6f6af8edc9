"""The schema's history: one module per migration, run in the order of their revisions.

`revision` is a number of four digits. `is_additive` says that earlier releases still work after the
migration: it only adds tables, indexes and columns that may be NULL. `upgrade` must not use
tables.py: a migration stays the same when the tables change later.
"""
