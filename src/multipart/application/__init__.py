"""The use cases: everything that awaits a port, and the ports themselves."""
