#!/usr/bin/env python3
"""Which panics the loop of the released binary (x86_64) can reach, by its machine code: from `Runtime::supervise` along
all calls, jumps and addresses of functions, those in tables of data (vtables) included. A panic ends PID 1, and with it
the container.

    tests/panics.py [BINARY]     BINARY has symbols; without one it is built as benches/size.sh does

Fails if one is reached that is not listed here, and if one that is listed is not reached any more."""

import collections
import os
import pathlib
import re
import subprocess
import sys

ROOT = "sexton::runtime::Runtime::supervise"

# Where the loop ends: what lies behind is not looked at, as nothing runs any more that an end of sexton could harm.
ENDS = {
    "sexton::runtime::Runtime::report": "the tree is gone, and the report is made",
    "sexton::child::explain::failure": "the command could not be executed",
    "sexton::values::error::Error::unable": "what sexton cannot do without fails for good, and it ends with this error",
    "sexton::log::fatal": "these are reported",
}

# What is left: who panics, and why it never does.
LEFT = {
    "<core::time::Duration>::new": "within saturating_sub, with fewer than a billion nanoseconds",
    "<std::os::fd::owned::BorrowedFd>::borrow_raw": "for descriptor -1 only; it is given 0, 1 or 2",
    "core::result::Result<T,E>::expect": "within to_string, if a Display fails: "
    "why the command could not be executed, when it has ended",
    "reserve::do_reserve_and_handle": "the same: no memory for that text",
}

PANIC = re.compile(
    r"core::panicking|unwrap_failed|expect_failed|slice_error_fail|slice_index_fail|len_mismatch_fail"
    r"|handle_alloc_error|raw_vec::handle_error|capacity_overflow|rust_begin_unwind|__rust_start_panic|panic_with_hook"
    r"|assert_failed"
)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build():
    """The binary that benches/size.sh looks at: the released one, with symbols."""
    musl = "x86_64-unknown-linux-musl"
    folder = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "size"
    environment = {**os.environ, "CARGO_PROFILE_RELEASE_STRIP": "false"}
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--bin", "sexton", "--target", musl]
    subprocess.run([*command, "--target-dir", folder], check=True, env=environment)
    return folder / musl / "release/sexton"


os.chdir(pathlib.Path(__file__).parent.parent)
binary = sys.argv[1] if len(sys.argv) > 1 else build()

functions = {}
for line in output("nm", "--demangle", binary).splitlines():
    if match := re.match(r"([0-9a-f]+) [tTwW] (.*)", line):
        functions.setdefault(int(match[1], 16), match[2])

# Words in data that are addresses of functions.
image = pathlib.Path(binary).read_bytes()
data, pointers, offsets = [], {}, {}
for line in output("readelf", "--sections", "--wide", binary).splitlines():
    if match := re.match(r"\s*\[ *\d+\] (\.rodata|\.data\S*)\s+PROGBITS\s+([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", line):
        address, offset, size = (int(match[group], 16) for group in (2, 3, 4))
        data.append(range(address, address + size))
        offsets[address] = offset
        for at in range(0, size - 7, 8):
            word = int.from_bytes(image[offset + at : offset + at + 8], "little")
            if word in functions:
                pointers[address + at] = word


def words(address, count):
    """Words of the data from this address on."""
    section = next(section for section in data if address in section)
    offset = offsets[section.start] + address - section.start
    return [int.from_bytes(image[at : at + 8], "little") for at in range(offset, offset + 8 * count, 8)]


def table(address):
    """The functions of the vtable, or of the pairs of value and function, that begins there."""
    places = [address + 8 * index for index in range(8)]
    if not any(place in pointers for place in places[:3]):
        # A vtable may begin without a drop: nothing, a size and an alignment. Other data may stand before a vtable.
        drop, size, alignment = words(address, 3)
        if drop or size > 1 << 20 or alignment not in (1, 2, 4, 8, 16):
            return
    for index, place in enumerate(places):
        if place in pointers:
            yield pointers[place]
        elif index >= 3:
            return


# The binary is not position independent, so each address that code has is there as a number.
calls, current = collections.defaultdict(set), None
for line in output("objdump", "--disassemble", "--no-show-raw-insn", binary).splitlines():
    if match := re.match(r"([0-9a-f]+) <.*>:$", line):
        current = int(match[1], 16)
        continue
    for match in re.finditer(r"0x([0-9a-f]{6})\b|\b([0-9a-f]{6}) <", line):
        address = int(match[1] or match[2], 16)
        if address in functions:
            calls[current].add(address)
        elif any(address in section for section in data):
            calls[current].update(table(address))

roots = [address for address, name in functions.items() if name == ROOT]
assert roots, f"there is no function {ROOT}"
for name in ENDS:
    assert name in functions.values(), f"there is no function {name}"

came_from = {root: None for root in roots}
queue, reached = list(came_from), {}
while queue:
    function = queue.pop(0)
    if functions[function] in ENDS:
        continue
    for called in sorted(calls[function] - {function}):
        if PANIC.search(functions[called]):
            reached.setdefault(functions[function], function)
        elif called not in came_from:
            came_from[called] = function
            queue.append(called)

faults = 0
for name, function in reached.items():
    reason = next((LEFT[left] for left in LEFT if left in name), None)
    if reason:
        print(f"left: {name}: {reason}")
        continue
    faults += 1
    way = []
    while function is not None:
        way.append(functions[function])
        function = came_from[function]
    print(f"REACHED: {name}\n    by " + "\n    by ".join(way[1:]))
for left in LEFT:
    if not any(left in name for name in reached):
        faults += 1
        print(f"NOT REACHED any more, so not to be listed: {left}")
print(f"{len(came_from)} functions are reached by the loop")
sys.exit(faults > 0)
