"""Faults x commands: every module but `ground`, `commands`, `whole` and `server` is one fault. Its `outcomes` of a command are pairs of what
happens and of a function that makes it happen in a folder of its own and fills in `ground.row`."""
