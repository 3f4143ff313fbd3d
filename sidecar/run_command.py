"""``sidecar run``: watches the appliances of this host, keeps a record, ships it."""

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from sidecar.journal_copies import JournalCopies
from sidecar.own_folder import FolderError
from sidecar.recorder.recorder import Recorder
from sidecar.run_config import RECORDINGS, STATUS_NAME, Config, ConfigError, load
from sidecar.sampler import INTERVAL_NS, Sampler
from sidecar.sender import Sender
from sidecar.spool import Spool, SpoolError

LAST_WORDS_S: Final = 5.0  # for what is still to be sent when we are told to end
NICE: Final = 10

_EPILOG: Final = """examples:
  sidecar run                         a record of whatever runs here, in ~/.local/state/lonecore
  sidecar run sidecar.toml            the same, shipped to InfluxDB
  sidecar run --spool /tmp/s --for 60 for a minute
  sidecar run --recordings /data/raw  what the venue said, as lines of `<ns> <frame>`, gzip

Without a server the spool is the record: `sidecar query` reads it. With one, everything is on disk
before it is sent, and stays there until the server has said yes.

exit codes: 0 fine, 2 wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``run`` to the sidecar's command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "run",
        help="watch, record and ship",
        description="Reads telemetry regions once a second, keeps what they say, and ships it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG", type=Path, help="a TOML file")
    parser.add_argument("--region", action="append", metavar="NAME", help="only this run; again")
    parser.add_argument("--spool", type=Path, metavar="DIR", help="where the record is kept")
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="where the venue's frames are recorded (default: recordings, in the spool's folder)",
    )
    parser.add_argument("--for", dest="for_s", type=float, metavar="S", help="end after so long")
    parser.add_argument("--json", action="store_true", help="what was done, as one JSON document")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``sidecar run``; returns the exit code."""
    try:
        config = load(args.config)
        folder = args.spool or config.spool_folder
        names = args.region or config.regions
        spool = Spool(folder, config.spool_bytes_max)
        recorder = _recorder(config, args.recordings, folder, names)
    except (ConfigError, SpoolError, FolderError) as error:
        sys.stderr.write(f"sidecar run: {error}\n")
        return 2
    os.nice(NICE)
    over = _told_to_end()
    sender = Sender(spool, config.target.transport()) if config.target is not None else None
    copies = None
    if config.journal_copies is not None:
        copies = JournalCopies(config.journals, config.journal_copies)
    sampler = Sampler(spool, sender, names, recorder=recorder, copies=copies)
    if not args.json:
        where = f" and to {config.target.url}" if config.target is not None else ""
        sys.stderr.write(f"recording to {folder}{where}; Ctrl-C ends it\n")
    for one in (sender, recorder, copies):
        if one is not None:
            one.start()
    _sample(spool, sampler, sender, over, args.for_s)
    for one in (recorder, copies):
        if one is not None:
            one.stop()
    if sender is not None:
        _last_words(sender)
    told = _told(spool, sampler, sender)
    _tell(spool, told | {"running": False})
    sampler.close()
    spool.close()
    _show(told, config, as_json=args.json)
    return 0


def _recorder(
    config: Config, folder: Path | None, spool_folder: Path, names: Iterable[str]
) -> Recorder | None:
    if config.recordings_bytes_max == 0:
        return None
    root = folder or config.recordings_folder or spool_folder / RECORDINGS
    return Recorder(root, config.recordings_bytes_max, names)


def _sample(
    spool: Spool,
    sampler: Sampler,
    sender: Sender | None,
    over: threading.Event,
    for_s: float | None,
) -> None:
    """On each whole second, until told to end; and once more then."""
    until_s = None if for_s is None else time.monotonic() + for_s
    said: set[str] = set()
    while not over.is_set() and (until_s is None or time.monotonic() < until_s):
        now_ns = _until_whole_second(over)
        if over.is_set():
            break
        sampler.step(now_ns - now_ns % INTERVAL_NS)
        told = _told(spool, sampler, sender)
        _tell(spool, told | {"running": True})
        said = _say_what_is_new(told, said)
    sampler.step(time.time_ns())


def _say_what_is_new(told: dict[str, Any], said: set[str]) -> set[str]:
    """Runs that are watched now, and what is amiss, each when it begins; on standard error."""
    sampler, sender = told["sampler"], told["sender"]
    unread = len(sampler["complaints"])
    lines = {f"watching {', '.join(sampler['runs'])}"} if len(sampler["runs"]) > unread else set()
    lines |= set(sampler["complaints"])
    others = (told["recorder"] or {}, told["journal"] or {})
    lines |= {one["said"] for one in (sampler, *others) if one.get("said")}
    if sender is not None and sender["state"] in ("held", "waiting"):
        lines.add(f"{sender['state']}: {sender['said']}")
    for line in sorted(lines - said):
        sys.stderr.write(f"sidecar run: {line}\n")
    return lines


def _until_whole_second(over: threading.Event) -> int:
    """Waits; the time then. A wait may end early, and a clock may be set meanwhile."""
    now_ns = time.time_ns()
    due_ns = now_ns - now_ns % INTERVAL_NS + INTERVAL_NS
    while 0 < due_ns - now_ns <= INTERVAL_NS and not over.wait((due_ns - now_ns) / 1e9):
        now_ns = time.time_ns()
    return now_ns


def _told_to_end() -> threading.Event:
    over = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return over


def _last_words(sender: Sender) -> None:
    until_s = time.monotonic() + LAST_WORDS_S
    while not sender.is_done() and sender.sent.state == "sending" and time.monotonic() < until_s:
        time.sleep(0.05)
    sender.stop()


def _told(spool: Spool, sampler: Sampler, sender: Sender | None) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "time_ns": time.time_ns(),
        "spool": {
            "folder": str(spool.folder),
            "bytes": spool.bytes_n,
            "bytes_max": spool.bytes_max,
            "interval": spool.number,
        },
        "sampler": sampler.told(),
        "sender": None if sender is None else sender.told(),
        "recorder": sampler.recorder_told(),
        "journal": sampler.copies_told(),
    }


def _tell(spool: Spool, told: dict[str, Any]) -> None:
    """For `sidecar status`, which works whatever the server does."""
    temporary = spool.folder / f"{STATUS_NAME}.new"
    try:
        temporary.write_text(json.dumps(told))
        temporary.replace(spool.folder / STATUS_NAME)
    except OSError:
        return  # the disk is full: the sampler says so where it can


def _show(told: dict[str, Any], config: Config, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    sampler, sender = told["sampler"], told["sender"]
    sys.stdout.write(
        f"{sampler['intervals_n']:,} intervals, {sampler['lines_n']:,} points recorded"
        f" ({told['spool']['bytes']:,} bytes in {told['spool']['folder']})\n"
    )
    if (recorder := told["recorder"]) is not None and recorder["frames"]:
        lost = f", {recorder['lost_frames']:,} lost" if recorder["lost_frames"] else ""
        sys.stdout.write(f"{recorder['frames']:,} frames in {recorder['folder']}{lost}\n")
    for copy in (told["journal"] or {}).get("journals", ()):
        sys.stdout.write(f"{copy['last']:,} records of {copy['journal']} in {copy['folder']}\n")
    if sender is not None and config.target is not None:
        rest = "all of it" if sender["all_sent"] else "not all of it yet"
        sys.stdout.write(f"{sender['lines_n']:,} lines sent to {config.target.url}, {rest}\n")
    if sampler["said"]:
        sys.stdout.write(f"{sampler['said']}\n")
