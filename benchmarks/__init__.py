"""`make bench`: the cases, the peers and the report."""
