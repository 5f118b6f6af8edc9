"""The rules for fields and parameters, and the messages of the rules that a request breaks."""
