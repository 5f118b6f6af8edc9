"""The sweep: expire stale sessions, repair interrupted ones, find orphaned uploads."""
