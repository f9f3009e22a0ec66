#!/usr/bin/python3
"""run.py: three Go clients against three brokers and two controllers of ours.

    run.py --build DIR --go DIR [--rounds N] [--seed S]

First what is administered and exchanged in peace; then rounds of the exchange, in which a broker or a controller is killed with kill -9 every few
seconds and started again. --go: where `go build -o DIR/clients .` was run here. Exit 1 when a check failed.
"""
import argparse
import pathlib
import random
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "cluster"))

import harness  # noqa: E402


class Killer(threading.Thread):
    """Kills one process at a time and waits until it is back, so that a majority of each partition's replicas is always there."""

    def __init__(self, cluster, rng):
        super().__init__()
        self.cluster, self.rng, self.ended, self.kills, self.wrong = cluster, rng, threading.Event(), 0, None

    def run(self):
        names = [f"broker-{i}" for i in range(self.cluster.brokers)] + [f"controller-{i}" for i in range(self.cluster.controllers)]
        try:
            while not self.ended.wait(self.rng.uniform(0.5, 3)):
                self.cluster.kill(self.rng.choice(names))
                self.kills += 1
                self.cluster.start()
        except Exception as e:  # noqa: BLE001 - told by whoever joins the thread
            self.wrong = e

    def end(self):
        self.ended.set()
        self.join()
        if self.wrong:
            raise self.wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="the build tree whose programs are tested")
    parser.add_argument("--go", required=True, metavar="DIR", help="where the program was built")
    parser.add_argument("--rounds", type=int, default=3, help="of the exchange while processes die")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cluster = harness.Cluster(str(pathlib.Path(options.build).resolve()), overrides=["group.initial.rebalance.delay.ms=0"])
    program = str(pathlib.Path(options.go, "clients").resolve())
    failed = False

    def ask(*words):
        return subprocess.run([program, cluster.bootstrap, *words], check=False).returncode != 0

    try:
        cluster.start()
        failed |= ask("admin")
        failed |= ask("exchange")
        killer = Killer(cluster, random.Random(options.seed))
        killer.start()
        try:
            failed |= ask("exchange", str(options.rounds))
        finally:
            killer.end()
        print(f"{killer.kills} processes were killed meanwhile")
    finally:
        cluster.start()  # a killed one stands up again, so that all can be stopped
        cluster.stop()
        if not failed:
            cluster.remove()
        else:
            print("kept:", cluster.dir)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
