"""Faults x commands: every module but `ground`, `commands`, `whole` and `server` is one fault."""
