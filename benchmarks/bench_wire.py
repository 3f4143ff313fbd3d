"""Wire to wire over loopback: a frame leaves the load generator, the order's frame arrives back.

Book, strategy, gate and order text against a C program that reads the same frames off the same
kind of socket and answers with as many bytes. Both on one core, the generator on another; they take
turns, and the one that is not measured is stopped. A percentile is that of a round, and of all
rounds the median: what the host does to one round does not decide.
"""

import os
import shutil
import signal
import subprocess
from contextlib import ExitStack

import numpy as np
import pytest

from benchmarks import frames
from benchmarks.wire_load import ROOT, Frames, Peer, loop_command
from tests.strategies.tls_peer import HOST, make_certificates

ROUNDS = 51  # each side, in turns
A_ROUND = 400  # fewer than the order table holds: they are ended between rounds
DEPTHS_FIRST = 10  # a book is live from its first difference on
KINDS = {"depth": frames.depth_after, "bookTicker": frames.ticker_after}
BARS = {False: 1.15, True: 1.25}


@pytest.fixture(scope="module")
def cores():
    """(the generator's, the measured one's)."""
    every = sorted(range(os.cpu_count() or 1))
    if len(every) < 2:
        pytest.skip("needs two cores")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {every[0]})
    yield every[0], every[-1]
    os.sched_setaffinity(0, before)


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """The C program: with OpenSSL, or plain."""
    folder = tmp_path_factory.mktemp("echo")

    def build(tls):
        program = folder / f"echo{tls}"
        more = ["-DWITH_TLS", "-lssl", "-lcrypto"] if tls else []
        source = ROOT / "benchmarks" / "wire_echo.c"
        if shutil.which("cc") is None:
            pytest.skip("needs a C compiler")
        built = subprocess.run(
            ["cc", "-O3", "-march=native", "-o", program, source, *more],
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            pytest.skip(f"the C program does not build: {built.stderr.splitlines()[0]}")
        return str(program)

    return build


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_wire_to_wire(benchmark, judge, measuring, cores, echo, tmp_path, kind, tls):
    _, core = cores
    rounds, a_round = (ROUNDS, A_ROUND) if measuring else (1, 20)
    certificates, for_loop, for_echo = None, (), ()
    if tls:
        certificates = tmp_path
        make_certificates(certificates)
        ca = str(certificates / "ca.pem")
        for_loop, for_echo = (ca, HOST), (ca,)
    program = echo(tls)
    wire = Frames(
        lambda n: (frames.depth_after if n < DEPTHS_FIRST else KINDS[kind])(n),
        DEPTHS_FIRST + (rounds + 2) * a_round,
    )
    with ExitStack() as stack:
        loop = Peer(loop_command(core, *for_loop), None, certificates)
        stack.callback(loop.close)
        assert loop.line() == "ready"
        loop.round_trips_ns(wire, DEPTHS_FIRST + a_round)
        loop.tell()
        answer = loop.answer_bytes()
        plain = Peer(lambda port: [program, str(port), str(answer), *for_echo], core, certificates)
        stack.callback(plain.close)
        plain.next = loop.next - a_round
        plain.round_trips_ns(wire, a_round)
        ours, theirs = [], []

        def alternate():
            for _ in range(rounds):
                os.kill(plain.process.pid, signal.SIGSTOP)
                ours.append(loop.round_trips_ns(wire, a_round))
                loop.tell()
                os.kill(loop.process.pid, signal.SIGSTOP)
                os.kill(plain.process.pid, signal.SIGCONT)
                theirs.append(plain.round_trips_ns(wire, a_round))
                os.kill(loop.process.pid, signal.SIGCONT)

        try:
            benchmark.pedantic(alternate, rounds=1)
        finally:
            for peer in (loop, plain):
                os.kill(peer.process.pid, signal.SIGCONT)
    name = f"{kind} to order over {'TLS' if tls else 'TCP'} / C echo of {answer} bytes"
    verdicts = []
    for percent in (50, 99):
        a, b = (
            float(np.median([np.percentile(one, percent) for one in x])) for x in (ours, theirs)
        )
        benchmark.extra_info[f"p{percent}_ns"] = [a, b]
        verdicts.append((f"{name}, p{percent} ({a / 1000:.1f} / {b / 1000:.1f} us)", a / b))
    for shown, ratio in verdicts:
        judge(shown, ratio, at_most=BARS[tls])
