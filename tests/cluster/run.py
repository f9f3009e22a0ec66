#!/usr/bin/python3
"""run.py: the cluster tests: real servers, real clients. `run.py --build DIR [-k WORD] [--records N]`; prints a line per test and, last,
'N passed, N failed'.
"""
import argparse
import importlib
import pathlib
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import harness  # noqa: E402

MODULES = ["test_clients", "test_znodes", "test_configs", "test_listeners", "test_tools", "test_commands", "test_faults", "test_replication",
           "test_hostile", "test_followers", "test_groups", "test_members", "test_racks", "test_compaction", "test_failover_controller"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="the build tree whose programs are tested")
    parser.add_argument("-k", default="", help="only tests whose name holds this word")
    parser.add_argument("--records", type=int, default=50000, help="records per codec and client")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` below stops the cluster
    build = pathlib.Path(options.build).resolve()
    passed, failed = 0, []
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        tests = [(n, f) for n, f in vars(module).items() if n.startswith("test_") and options.k in f"{module_name}.{n}"]
        if not tests:
            continue
        cluster = harness.Cluster(build, **getattr(module, "CLUSTER", {}))
        cluster.records = options.records
        clean = True
        try:
            cluster.start()
            for name, test in tests:
                began = time.monotonic()
                try:
                    test(cluster)
                    passed += 1
                    print(f"ok    {module_name}.{name} ({time.monotonic() - began:.1f} s)", flush=True)
                except Exception:  # noqa: BLE001 - a failed test is told, and the next one runs
                    failed.append(name)
                    clean = False
                    print(f"FAIL  {module_name}.{name}\n{traceback.format_exc()}\n{cluster.last_words()}", flush=True)
            cluster.stop()
        except Exception:  # noqa: BLE001
            failed.append(module_name)
            clean = False
            print(f"FAIL  {module_name}: {traceback.format_exc()}", flush=True)
        finally:
            cluster.stop()  # nothing is left behind, whatever happened; what is stopped already is no error
        if clean:
            cluster.remove()
        else:
            print(f"kept: {cluster.dir}", flush=True)
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
