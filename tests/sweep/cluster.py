"""A Dask cluster of two workers on loopback, until its standard input ends.

``python -m tests.sweep.cluster`` prints the scheduler's address.
"""

import sys


def main() -> None:
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
