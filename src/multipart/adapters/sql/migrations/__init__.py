"""The schema's history: one module per migration, run in the order of their revisions.

`revision` counts up in four digits. `is_additive` says that releases before it go on working after
it: it only adds tables, indexes and columns that may be NULL. `upgrade` must not import this
package: what it does stays the same while the tables go on changing.
"""
