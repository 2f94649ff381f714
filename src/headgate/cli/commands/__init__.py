"""One file per command: read the arguments, act, show."""
