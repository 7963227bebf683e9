"""Side-by-side speed, as ratios within one run: `make bench`, or `python -m benchmarks NAME…`."""

import sys

from benchmarks import cam, phantoms, road, training
from spondyl.learn.environment import environment

ALL = {"cam": cam.run, "phantoms": phantoms.run, "road": road.run, "training": training.run}

if __name__ == "__main__":
    facts = environment()
    print(f"{facts['began']} · {facts['hardware']} · torch {facts['versions']['torch']}")
    for name in sys.argv[1:] or ALL:
        print(f"\n## {name}")
        for line in ALL[name]():
            print(line)
