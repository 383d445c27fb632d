"""The runs of a plan as tasks of Ray: python examples/ray_sweep.py PLAN"""
import os, subprocess, sys
import ray

ray.init()
plan = os.path.abspath(sys.argv[1])
count = int(subprocess.check_output(["anact", "plan", plan, "--count"]))

@ray.remote(num_cpus=2)
def run(index):
    code = subprocess.call(["anact", "run", "--plan", plan, "--index", str(index), "--threads", "2"])
    return 1 if code < 0 else code  # killed by a signal, as when memory is short

codes = ray.get([run.remote(index) for index in range(1, count + 1)])
# A failure comes before 75, which means: stopped with a checkpoint, call this again.
sys.exit(next((code for code in codes if code not in (0, 75)), 75 if 75 in codes else 0))
