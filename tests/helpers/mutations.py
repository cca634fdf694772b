"""Weight files that are damaged in any way, and what a reader makes of them, within bounds of time and memory."""

import gzip
import io
import multiprocessing
import re
import resource
import signal
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keyfilters.errors import KeyfiltersError

SECONDS = 20  # of processor time that one damaged file may take
MEMORY = 512 << 20  # bytes of address space that it may need beyond those of the process before it
FORK = multiprocessing.get_context("fork")
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**63, 2**64 - 1)
NUMBERS = (b"0", b"-1", b"1", b"3", b"65536", b"2147483647", b"4294967297", b"1e300", b"NaN", b"null", b'"x"', b"[]")
NUMBER = re.compile(rb"-?\d+(\.\d+)?")
PROGRAM = b"cposix\nsystem\n(S'true'\ntR"  # of a pickle: it runs a program
RUNS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen", "pty.spawn", "socket.")


@dataclass
class Outcomes:
    """What became of so many damaged files: `refused` with one line, `read`; `faults`: seed and what went wrong."""

    refused: int = 0
    read: int = 0
    faults: list[str] = field(default_factory=list)


def outcomes(folder: Path, read: Callable[[], object], files: list[Path], mutations: int) -> Outcomes:
    """What `read()` makes of `files` in `folder` when one of them is damaged, for seeds from 0 to `mutations`.

    Each seed is one way to damage them. The work is done in a process of its own; where that dies, its seed is a fault
    and another goes on with the next seed. The files are whole again in the end.
    """
    tally, seed = Outcomes(), FORK.Value("q", 0)
    counts = FORK.Array("q", 2)
    queue = FORK.SimpleQueue()
    whole = {path: path.read_bytes() for path in files}
    while seed.value < mutations:
        child = FORK.Process(target=_work, args=(folder, read, whole, seed, mutations, counts, queue))
        child.start()
        child.join()
        while not queue.empty():
            tally.faults.append(queue.get())
        if child.exitcode:
            how = signal.Signals(-child.exitcode).name if child.exitcode < 0 else f"exit {child.exitcode}"
            limit = f": more than {SECONDS} s of processor time" if how == "SIGPROF" else ""
            tally.faults.append(f"seed {seed.value}: the process died of {how}{limit}")
            seed.value += 1
    for path, content in whole.items():
        path.write_bytes(content)
    tally.refused, tally.read = counts
    return tally


def _work(folder, read, whole, seed, mutations, counts, queue) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    started: list[str] = []
    sys.addaudithook(lambda event, _: started.append(event) if event.startswith(RUNS) else None)
    while seed.value < mutations:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        for path, content in mutated(whole, seed.value).items() if whole else ():
            path.write_bytes(content)
        outcome = outcome_of(folder, read)
        if started:
            outcome = f"ran {started.pop()}"
            started.clear()
        if outcome in ("refused", "read"):
            counts[outcome == "read"] += 1
        else:
            queue.put(f"seed {seed.value}: {outcome}")
        seed.value += 1


def outcome_of(folder: Path, read: Callable[[], object]) -> str:
    """`refused`, `read`, or what is wrong. A network that is read is checked against what its files can hold.

    A file cannot tell that its numbers are others than once; but every weight is finite and of the shape that was
    announced, weights that are not all one number are no more than the bytes of the folder's files, and what is said of
    a convolution can be true.
    """
    try:
        network = read()
        free = _bytes(folder)
        for convolution in network.convolutions:
            weight = convolution.load()
            if weight.dtype != np.float32 or weight.shape != convolution.shape or len(weight.shape) != 4:
                return f"{convolution.name}: {weight.dtype} {weight.shape}, announced {convolution.shape}"
            if not np.isfinite(weight).all():
                return f"{convolution.name}: not finite"
            free -= weight.size if weight.min() != weight.max() else 0
            if free < 0:
                return f"{convolution.name}: {weight.shape} is more than the files hold"
            if wrong := _impossible(convolution):
                return f"{convolution.name}: {wrong}"
    except KeyfiltersError as error:
        return _of_refusal(folder, error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "read"


def _impossible(convolution) -> str | None:
    out, inputs = convolution.shape[:2]
    groups, stride = convolution.groups, convolution.stride
    if groups is not None and (groups < 1 or out % groups):
        return f"{out} outputs in {groups} groups"
    if stride is not None and (len(stride) != 2 or min(stride) < 1):
        return f"stride {stride}"
    if convolution.kind == "depthwise" and (inputs != 1 or groups is None):
        return f"depthwise of {inputs} inputs and {groups} groups"
    return None


def _of_refusal(folder: Path, error: KeyfiltersError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        # HDF5 asks for as many bytes as a file says before it reads any, which takes none; it says so if it gets none.
        if isinstance(cause, MemoryError) or re.search("bad_alloc|t allocate|Unable to allocate", str(cause)):
            return f"needs more than {MEMORY:,} bytes of memory: {error}"
        cause = cause.__cause__ or cause.__context__
    if "\n" in str(error):
        return f"an error of several lines: {error}"
    return "refused" if str(folder) in str(error) else f"names no file: {error}"


def _bytes(folder: Path) -> int:
    """Bytes of all files in the folder, and those that packed ones unpack to."""
    total = 0
    for path in filter(Path.is_file, folder.rglob("*")):
        total += path.stat().st_size
        if path.read_bytes()[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                total += len(file.read())
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                total += sum(entry.file_size for entry in archive.infolist())
    return total


def mutated(whole: dict[Path, bytes], seed: int) -> dict[Path, bytes]:
    """The files, one of them damaged in the way of this seed; what is packed is also damaged within and packed anew."""
    random = np.random.default_rng(seed)
    path = list(whole)[random.integers(len(whole))]
    content = whole[path]
    inside = random.random() < 0.6
    if inside and content.startswith(b"\x1f\x8b"):
        changed = gzip.compress(damaged(gzip.decompress(content), random), 1)
    elif inside and content.startswith(b"PK\x03\x04"):
        changed = _repacked(content, random)
    else:
        changed = damaged(content, random)
    return {**whole, path: changed}


def _repacked(content: bytes, random: np.random.Generator) -> bytes:
    """A zip with one of its entries damaged; with the sums of what it holds, so that these do not tell."""
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(copy, "w") as other:
        entries = archive.infolist()
        weights = np.array([8.0 if entry.filename.endswith((".pkl", ".npy", ".py")) else 1.0 for entry in entries])
        chosen = random.choice(len(entries), p=weights / weights.sum())
        for number, entry in enumerate(entries):
            data = archive.read(entry)
            other.writestr(entry.filename, damaged(data, random) if number == chosen else data)
    return copy.getvalue()


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """The content with one to three changes."""
    for _ in range(random.integers(1, 4)):
        change = CHANGES[random.integers(len(CHANGES))]
        content = change(bytearray(content), random) if content else content
    return bytes(content)


def _offset(content: bytearray, random: np.random.Generator) -> int:
    """Anywhere, but in half of the cases in the first or the last kilobyte, where headers and tables are."""
    where = random.random()
    size = len(content)
    if where < 0.25:
        return int(random.integers(min(size, 1024)))
    return int(size - 1 - random.integers(min(size, 1024))) if where < 0.5 else int(random.integers(size))


def _flip_bits(content, random):
    for _ in range(random.integers(1, 9)):
        content[_offset(content, random)] ^= 1 << int(random.integers(8))
    return content


def _set_bytes(content, random):
    for _ in range(random.integers(1, 5)):
        content[_offset(content, random)] = int(random.integers(256))
    return content


def _cut(content, random):
    return (
        content[: int(random.integers(len(content)))] if random.random() < 0.5 else content[: _offset(content, random)]
    )


def _remove(content, random):
    start = _offset(content, random)
    del content[start : start + int(random.geometric(0.05))]
    return content


def _repeat(content, random):
    start, target = _offset(content, random), _offset(content, random)
    piece = content[start : start + int(random.geometric(0.02))]
    return content[:target] + piece * int(random.integers(1, 4)) + content[target:]


def _overwrite(content, random):
    start, target = _offset(content, random), _offset(content, random)
    piece = content[start : start + int(random.geometric(0.05))]
    content[target : target + len(piece)] = piece
    return content


def _set_length(content, random):
    """A number of 1 to 8 bytes, in either order, or one of seven bits a byte, that is extreme or near the old one."""
    size = int(random.choice([1, 2, 4, 8]))
    start = _offset(content, random)
    start -= start % size if random.random() < 0.5 else 0
    old = int.from_bytes(content[start : start + size], "little")
    near = old + int(random.integers(-3, 4))
    value = near if random.random() < 0.3 else EXTREMES[random.integers(len(EXTREMES))]
    if random.random() < 0.2:
        new = _varint(value % 2**64)
        content[start : start + 1] = new
    else:
        order = "little" if random.random() < 0.8 else "big"
        content[start : start + size] = (value % 256**size).to_bytes(size, order)
    return content


def _varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def _set_number(content, random):
    """A number that is written as text."""
    matches = list(NUMBER.finditer(content[:1_000_000]))
    if not matches:
        return _set_length(content, random)
    match = matches[random.integers(len(matches))]
    content[match.start() : match.end()] = NUMBERS[random.integers(len(NUMBERS))]
    return content


def _fill(content, random):
    start = _offset(content, random)
    size = min(int(random.geometric(0.02)), len(content) - start)
    content[start : start + size] = bytes([int(random.choice([0, 0xFF, 0x80]))]) * size
    return content


def _program(content, random):
    """Where the content is a pickle, one that runs a program at any place of it."""
    if content[:1] != b"\x80":
        return _flip_bits(content, random)
    start = 2 + int(random.integers(max(len(content) - 2, 1)))
    return content[:start] + PROGRAM + content[start:]


CHANGES = (
    *(_flip_bits, _set_bytes, _cut, _remove, _repeat, _overwrite),
    *(_set_length, _set_length, _set_number, _set_number, _fill, _program),
)
