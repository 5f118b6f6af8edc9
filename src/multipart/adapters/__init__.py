"""The driven side: one package per technology, each keeping the promises of a port."""
