"""What an upload is and what may happen to it; imports nothing but the standard library."""
