"""The last act of each program here: it tells its peak memory, in kB."""
import json
import os


def finish():
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    if "MEMORY" in os.environ:
        with open(os.environ["MEMORY"], "w") as file:
            json.dump(peak, file)
