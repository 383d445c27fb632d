#!/bin/sh
# The runs of a plan by GNU parallel, two at once, here or, with --sshloginfile, on many machines that share the folder:
#   examples/gnu_parallel.sh PLAN
# A run that stopped with a checkpoint (exit code 75) goes on when it is called again.
count=$(anact plan "$1" --count) || exit
seq "$count" | parallel --jobs 2 --retries 3 --line-buffer --tag anact run --plan "$1" --index {} --threads 2
