#!/bin/bash
# The runs of a plan as an array of Slurm jobs, which may be sent again and do what is missing:
#   sbatch --array=1-$(anact plan PLAN --count) examples/slurm.sh PLAN
#SBATCH --job-name=anact --cpus-per-task=4 --time=4:00:00 --signal=TERM@120 --requeue --open-mode=append
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" anact run --plan "$1" --index "$SLURM_ARRAY_TASK_ID" --threads "$SLURM_CPUS_PER_TASK"
code=$?
# 75: stopped with a checkpoint two minutes before the time is up, or another process has the run.
[ "$code" -eq 75 ] && scontrol requeue "$SLURM_JOB_ID"
exit "$code"
