"""The runs of a plan as tasks of Dask: python examples/dask_sweep.py PLAN"""
import os, subprocess, sys
from dask.distributed import Client

def run(plan, index):
    code = subprocess.call(["anact", "run", "--plan", plan, "--index", str(index), "--threads", "2"])
    return 1 if code < 0 else code  # killed by a signal, as when memory is short

if __name__ == "__main__":
    plan = os.path.abspath(sys.argv[1])
    count = int(subprocess.check_output(["anact", "plan", plan, "--count"]))
    with Client(threads_per_worker=1) as client:
        codes = client.gather([client.submit(run, plan, index, pure=False) for index in range(1, count + 1)])
    # A failure comes before 75, which means: stopped with a checkpoint, call this again.
    sys.exit(next((code for code in codes if code not in (0, 75)), 75 if 75 in codes else 0))
