"""Rate limits over sliding windows, counted in memory or in Redis (limits)."""
