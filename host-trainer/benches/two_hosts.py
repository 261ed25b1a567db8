#!/usr/bin/env python3
"""Trains on two hosts with a shaped link between them, and prints what a step takes.

The hosts are network namespaces of this machine. Each has a TUN device; this
program carries packets from one to the other, at the rate of the link and
after its delay. Needs Linux, root and `ip` (iproute2).

    sudo python3 host-trainer/benches/two_hosts.py --lcl target/release/lcl \
        --mbits 100 1000 --delay-ms 1 --batch 64

Prints, as a table, the median over the second half of the steps: seconds of a
step, share of it spent waiting for the other host, bytes of a step.
"""

import argparse
import ctypes
import fcntl
import heapq
import json
import os
import pathlib
import select
import statistics
import struct
import subprocess
import tempfile
import threading
import time

MTU = 60000  # Few large packets, so that Python keeps up with 1 Gbit/s.
ADDRESSES = ["10.77.0.1", "10.77.0.2"]
CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000


def run(*command):
    subprocess.run(command, check=True)


def enter(namespace):
    """Moves this thread into a namespace."""
    with open(f"/run/netns/{namespace}") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def host(index):
    """Makes a host and returns its namespace and the device that it sends to."""
    namespace, opened = f"lcl-host-{index}", []
    run("ip", "netns", "add", namespace)

    def open_device():
        enter(namespace)
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"link0", IFF_TUN_NO_PI))
        opened.append(device)

    thread = threading.Thread(target=open_device)
    thread.start()
    thread.join()
    inside = ["ip", "-n", namespace]
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "address", "add", f"{ADDRESSES[index]}/24", "dev", "link0")
    run(*inside, "link", "set", "link0", "mtu", str(MTU), "up")
    return namespace, opened[0]


def carry(source, target, bits_per_second, delay, stop):
    """Carries packets one way: each takes its time on the wire, then the delay."""
    free, on_the_way, number = 0.0, [], 0
    while not stop.is_set():
        now = time.monotonic()
        while on_the_way and on_the_way[0][0] <= now:
            os.write(target, heapq.heappop(on_the_way)[2])
        timeout = max(on_the_way[0][0] - now, 0) if on_the_way else 0.05
        if not select.select([source], [], [], timeout)[0]:
            continue
        packet = os.read(source, MTU + 100)
        free = max(free, time.monotonic()) + len(packet) * 8 / bits_per_second
        number += 1
        heapq.heappush(on_the_way, (free + delay, number, packet))


def train(arguments, mbits, namespaces, folder):
    """Trains with one worker on each host and returns the lines of the log."""
    out = folder / f"run-{mbits}"
    command = [arguments.lcl, "train", "--data", arguments.data, "--device", "cpu", "--batch"]
    command += [str(arguments.batch), "--steps", str(arguments.steps), "--out", str(out)]
    command += ["--config", str(folder / "config.toml")]
    workers = []
    for rank, namespace in enumerate(namespaces):
        variables = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": ADDRESSES[0]}
        environment = {**os.environ, **variables, "MASTER_PORT": "29500"}
        inside = ["ip", "netns", "exec", namespace, *command]
        workers.append(subprocess.Popen(inside, env=environment, stdout=subprocess.DEVNULL))
    if any([worker.wait() for worker in workers]):
        raise SystemExit("a worker failed")
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lcl", default="target/release/lcl")
    parser.add_argument("--data", default="synthetic:160", help="best a pack: no decoding")
    parser.add_argument("--mbits", type=float, nargs="+", default=[100, 1000])
    parser.add_argument("--delay-ms", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=30)
    arguments = parser.parse_args()
    arguments.lcl = os.path.abspath(arguments.lcl)
    if os.path.exists(arguments.data):
        arguments.data = os.path.abspath(arguments.data)
    hosts = [host(index) for index in range(2)]
    try:
        print("| link, Mbit/s | delay, ms | step, s | waiting | MB a step |")
        print("|---|---|---|---|---|")
        for mbits in arguments.mbits:
            measure(arguments, mbits, hosts)
    finally:
        for namespace, _ in hosts:
            run("ip", "netns", "delete", namespace)


def measure(arguments, mbits, hosts):
    stop, delay = threading.Event(), arguments.delay_ms / 1000
    (first, one), (second, other) = hosts
    carriers = [
        threading.Thread(target=carry, args=(a, b, mbits * 1e6, delay, stop))
        for a, b in [(one, other), (other, one)]
    ]
    for carrier in carriers:
        carrier.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            threads = "[training]\nthreads = 1\nvalidate_every = 1000000\n"
            (folder / "config.toml").write_text(threads)
            lines = train(arguments, mbits, [first, second], folder)
    finally:
        stop.set()
        for carrier in carriers:
            carrier.join()
    # The first steps decode, the last has no update.
    lines = lines[len(lines) // 2 : -1]
    seconds = statistics.median(arguments.batch / line["images_per_second"] for line in lines)
    waiting = statistics.median(line["network_wait"] for line in lines)
    sent = statistics.median(line["network_bytes"] for line in lines)
    delay = arguments.delay_ms
    print(f"| {mbits:g} | {delay:g} | {seconds:.3f} | {waiting:.0%} | {sent / 1e6:.2f} |", flush=True)


if __name__ == "__main__":
    main()
