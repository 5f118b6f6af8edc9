"""The test kit for adapters: in-memory adapters and one contract suite per port."""
