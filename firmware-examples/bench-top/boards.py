"""The boards and their cases."""

import random
import struct

import scenes
from bench_top import Wrong, need, pictures, records, run
from chips import rp2350, stm32h743
from sensors.hm01b0 import GreyFrame, Hm01b0
from sensors.ov7670 import Frame, Ov7670

SIDE = 48
SILENCE_S = 15.0


def request(side, count, test_picture=False, clock=False):
    """What `cargo xtask flash` asks of a board's camera."""
    return struct.pack("<IIII", side, 0, count, test_picture | clock << 1)


def images(side, count):
    """Images of the host, as `cargo xtask flash --image` sends them, and their bytes."""
    rng = random.Random(7)
    frames = [rng.randbytes(3 * side * side) for _ in range(count)]
    sent = b"".join(struct.pack("<II", side, side) + frame for frame in frames)
    return sent + struct.pack("<II", 0, 0), b"".join(frames)


class Board:
    """What every board can be asked: programs without a camera."""

    def __init__(self, bench):
        self.bench = bench
        self.last_log = []

    def finish(self, chip, elf, status, expected_status=0):
        self.last_log = self.bench.log(elf, chip.rtt.log)
        need(
            status == expected_status,
            f"it ended with {status} in place of {expected_status}: {self.last_log[-2:]}",
        )
        return self.last_log

    def start(self, program, to_board=b"", **more):
        elf = self.bench.elf(self, program)
        chip = self.chip(elf, **more)
        chip.rtt.to_board += to_board
        return chip, elf

    def self_test(self):
        chip, elf = self.start("self-test")
        log = self.finish(chip, elf, run(chip))
        need(log[-1] == "self-test passed", log[-1])

    def no_model(self):
        kept, self.bench.model = self.bench.model, b"\xff" * 64
        try:
            chip, elf = self.start("self-test")
            log = self.finish(chip, elf, run(chip), 1)
        finally:
            self.bench.model = kept
        need("there is no blob in the model partition" in log[-1], log[-1])

    def features(self):
        sent, frames = images(SIDE, 2)
        chip, elf = self.start("features", sent)
        self.finish(chip, elf, run(chip))
        expected = [r for r in self.bench.expected("image", SIDE, frames) if r[0] != 3]
        need(list(records(chip.rtt.rows)) == expected, "rows are not those of the host")
        return f"{len(expected)} rows"

    def watch_of_the_host(self):
        sent, frames = images(SIDE, 2)
        chip, elf = self.start("watch", sent)
        self.finish(chip, elf, run(chip))
        expected = [r for r in self.bench.expected("image", SIDE, frames) if r[0] == 3]
        need(list(records(chip.rtt.rows)) == expected, "events are not those of the host")

    def host_pauses(self):
        """A host that reads nothing for two seconds loses nothing."""
        sent, frames = images(SIDE, 2)
        chip, elf = self.start("features", sent)
        chip.rtt.stops_after, chip.rtt.stops_for = 5000, 2.0
        self.finish(chip, elf, run(chip))
        need(chip.seconds() > 2.0, "the host did not pause")
        expected = [r for r in self.bench.expected("image", SIDE, frames) if r[0] != 3]
        need(list(records(chip.rtt.rows)) == expected, "rows were lost in the pause")

    def host_stops(self):
        """A host that reads nothing any more is waited for, and nothing is cut."""
        sent, frames = images(SIDE, 2)
        chip, _ = self.start("features", sent)
        chip.rtt.stops_after = 5000
        status = run(chip, 3.0)
        need(status is None, f"it ended with {status} although nobody reads")
        expected = [r for r in self.bench.expected("image", SIDE, frames) if r[0] != 3]
        whole = b"".join(struct.pack("<III", a, y, len(v)) + v for a, y, v in expected)
        need(whole.startswith(bytes(chip.rtt.rows)), "what came is not the start of the rows")

    def cases(self):
        return [
            ("self-test exits 0", self.self_test),
            ("no model", self.no_model),
            ("features, the host's bytes", self.features),
            ("watch, the host's events", self.watch_of_the_host),
            ("a host that pauses", self.host_pauses),
            ("a host that stops", self.host_stops),
        ]


class CameraBoard(Board):
    """A board with a camera: `scene(seed)` is a frame, `raw(frames)` its bytes."""

    def camera_run(self, frames, count, status=0, side=SIDE, program="camera", **more):
        options = more.pop("options", {})
        prepare = more.pop("prepare", lambda chip: None)
        seconds = more.pop("seconds", 60.0)
        to_board = request(side, count, **options)
        chip, elf = self.start(program, to_board, frames=frames, **more)
        prepare(chip)
        return chip, self.finish(chip, elf, run(chip, seconds), status)

    def shown(self, log):
        """Returns the pictures in a log."""
        lines, found = [], []
        for line in log:
            if line.startswith("image "):
                found.append(lines)
                lines = []
            elif line and set(line) <= set(" .:-=+*#%@"):
                lines.append(line)
        return found

    def check_pictures(self, chip, log, seeds, side=SIDE):
        """Every picture is that of a scene, as the host computes it."""
        rows = self.bench.expected(self.KIND, side, self.raw(seeds))
        known = pictures(rows, side // 4)
        got = self.shown(log)
        need(got, f"there is no picture: {log[-3:]}")
        for picture in got:
            need(picture in known, "a picture is none of the host's")
        need(not chip.rtt.rows, "camera sends no rows")
        return got

    def camera(self, side=SIDE, count=2):
        seeds = [1, 2, 3]
        chip, log = self.camera_run([self.scene(seed) for seed in seeds], count, side=side)
        got = self.check_pictures(chip, log, seeds, side)
        need(len(got) == count, f"{len(got)} images in place of {count}")
        need(log[-1].startswith(f"{count} images"), log[-1])
        cycles = [line.split(", ")[1] for line in log if line.startswith("image ")][-1]
        return f"{log[-1]}; {cycles} of the model"

    def camera_96(self):
        return self.camera(96, 1)

    def watch(self):
        # Frames are lost where they are too fast: the scene changes rarely.
        seeds = [1] * 24 + [2] * 40
        chip, log = self.camera_run([self.scene(seed) for seed in seeds], 8, program="watch")
        whole, lost, _ = (int(part.split()[0]) for part in log[-1].split(": ")[0].split(", "))
        need(whole == 8, f"{whole} images in place of 8")
        events = [record for record in records(chip.rtt.rows)]
        taken = [frame for frame in self.taken(log, lost, seeds)]
        expected = self.bench.expected(self.KIND, SIDE, self.raw(taken))
        need(events == [r for r in expected if r[0] == 3], "events are not those of the host")
        need(events, "there is no event")
        return f"{len(events)} events, {lost} lost"

    def taken(self, log, lost, seeds):
        """Returns the scenes that were whole, from when the novelty rises."""
        novel = [n for n, line in enumerate(l for l in log if l.startswith("image "))
                 if " cells" in line]
        first = novel[0] if novel else 8
        return [seeds[0]] * first + [seeds[-1]] * (8 - first)

    def loses(self, change, text, **more):
        """Frames that go wrong are lost with these words, and the next is whole."""

        def check():
            frames = [self.scene(1, change), self.scene(2)]
            chip, log = self.camera_run(frames, 1, **more)
            lost = [line for line in log if line.startswith("warn: a frame was lost: ")]
            need(any(text in line for line in lost), f"{text!r} is not in {lost}")
            self.check_pictures(chip, log, [2])

        return check

    def only_losses(self):
        frames = [self.scene(1, scenes.short)]
        _, log = self.camera_run(frames, 2, status=1)
        need("20 frames in a row were lost" in log[-1], log[-1])

    def fails(self, text, status=1, **more):
        def check():
            frames = more.pop("frames", [self.scene(1)])
            _, log = self.camera_run(frames, 1, status=status, **more)
            need(text in log[-1], log[-1])

        return check

    def vsync_alone(self):
        _, log = self.camera_run([self.scene(1, alone=True)], 1, status=1)
        need("it ended before its last row" in log[-1], log[-1])

    def test_picture(self):
        seeds = [1]
        chip, log = self.camera_run([self.scene(1)], 1, options={"test_picture": True})
        need("test picture: every byte is right" in log, f"{log[-3:]}")
        self.check_pictures(chip, log, seeds)

    def stuck(self, prepare, text):
        def check():
            _, log = self.camera_run([self.scene(1)], 1, status=1, prepare=prepare)
            need(text in log[-1], log[-1])

        return check

    def clocked_free(self):
        def prepare(chip):
            chip.camera.bus.held_for = 5

        self.camera_run([self.scene(1)], 1, prepare=prepare)

    def late(self):
        """A host that is late once loses a frame and slows nothing for good."""
        chip, log = self.camera_run([self.scene(1)], 1)
        need(log[-1].startswith("1 images"), log[-1])

    def cases(self):
        def hold_scl(chip):
            chip.camera.bus.holds_scl = True

        def hold_sda(chip):
            chip.camera.bus.holds_sda = True

        def hold_later(chip):
            bus = chip.camera.bus
            write = bus.write

            def then_hold(register, value):
                write(register, value)
                bus.holds_sda = bus.transfers > 8

            bus.write = then_hold

        def deaf(chip):
            chip.camera.answers_transfers = 8

        return super().cases() + [
            ("camera, the host's pictures", self.camera),
            ("camera at 96", self.camera_96),
            ("watch, the host's events, camera", self.watch),
            ("test picture", self.test_picture),
            ("a frame too short", self.loses(scenes.short, "it ended before its last row")),
            ("a line missing", self.loses(scenes.lost_line, "it ended before its last row")),
            ("20 losses in a row", self.only_losses),
            ("VSYNC alone", self.vsync_alone),
            ("SCL held low", self.stuck(hold_scl, f"line {self.SCL} is held low")),
            ("SDA held low", self.stuck(hold_sda, f"line {self.SDA} is held low")),
            ("SDA held in the middle of a byte", self.clocked_free),
            ("SDA held after eight transfers",
             self.stuck(hold_later, "held low, and nine clocks did not free it")),
            ("no answer after eight transfers", self.fails(self.REFUSED, prepare=deaf)),
            ("no frames", self.no_frames),
        ]


class Nucleo(CameraBoard):
    NAME, TARGET, KIND = "nucleo-h743zi", "thumbv7em-none-eabihf", "yuyv"
    SCL, SDA = "SIOC (PB8, D15)", "SIOD (PB9, D14)"
    REFUSED = "the camera did not take register 0x0"

    def chip(self, elf, frames=None, has_clock=True, product=0x7673):
        camera = Ov7670(frames, lambda: 0, product) if frames else None
        return stm32h743.Chip(elf, self.bench.model, camera, has_clock)

    def scene(self, seed, change=lambda lines: lines, alone=False):
        return Frame(scenes.planes(seed), change, alone)

    def raw(self, seeds):
        return b"".join(scenes.raw(scenes.planes(seed)) for seed in seeds)

    def no_frames(self):
        """A camera whose PCLK or HREF is not there."""

        def prepare(chip):
            chip.dcmi.event = lambda event: None

        chip, log = self.camera_run([self.scene(1)], 1, status=1, prepare=prepare)
        need("the camera is set up and sends no frames: look at PCLK (PA6" in log[-1], log[-1])
        need(SILENCE_S <= chip.seconds() < SILENCE_S + 2, f"after {chip.seconds():.1f} s")

    def cut(self, change):
        """What is too much of a line is cut off, and shifts nothing."""

        def check():
            frames = [self.scene(1, change)]
            chip, log = self.camera_run(frames, 1)
            self.check_pictures(chip, log, [1])

        return check

    def cases(self):
        return super().cases() + [
            ("a byte less", self.loses(scenes.byte_less, "it ended before its last row")),
            ("a byte more is cut off", self.cut(scenes.byte_more)),
            ("lines too many are cut off", self.cut(scenes.long)),
            ("no clock", self.fails("no camera answers on I2C at address 0x21", has_clock=False)),
            ("another chip", self.fails("it is 0x7721, this program is for 0x7673", product=0x7721)),
            ("a side that there is not", self.fails("pass --size with a multiple of 2", side=97)),
        ]


class Pico2(CameraBoard):
    NAME, TARGET, KIND = "pico2", "thumbv8m.main-none-eabihf", "grey"
    SCL, SDA = "SCL (GP5, pin 7)", "SDA (GP4, pin 6)"
    REFUSED = "the camera did not take register 0x"

    def chip(self, elf, frames=None, own_clock_hz=24_000_000, model=0x01B0):
        camera = Hm01b0(frames, own_clock_hz, model) if frames else None
        return rp2350.Chip(elf, self.bench.model, camera)

    def scene(self, seed, change=lambda lines: lines, alone=False):
        return GreyFrame(scenes.grey(seed), change, alone)

    def raw(self, seeds):
        return b"".join(line for seed in seeds for line in scenes.grey(seed))

    def no_frames(self):
        """A camera whose VSYNC is not there."""

        def prepare(chip):
            chip.receive = lambda event: None

        chip, log = self.camera_run([self.scene(1)], 1, status=1, prepare=prepare)
        need("the camera is set up and sends no frames: look at D0 (GP6" in log[-1], log[-1])
        need(SILENCE_S <= chip.seconds() < SILENCE_S + 2, f"after {chip.seconds():.1f} s")

    def clock_of_the_board(self):
        seeds = [1]
        frames = [self.scene(1)]
        chip, log = self.camera_run(frames, 1, options={"clock": True}, own_clock_hz=0)
        self.check_pictures(chip, log, seeds)

    def bits(self, line, bits):
        """A clock more or less in line 100."""

        def change(lines):
            data = lines[line]
            value = int.from_bytes(data, "little")
            count = 8 * len(data) + bits
            # In the middle of the line: what follows is early or late by a bit.
            low = value & ((1 << 1000) - 1)
            high = value >> 1000 if bits > 0 else value >> 1001
            value = low | high << (1001 if bits > 0 else 1000)
            sent = value.to_bytes(len(data) + 1, "little")
            return lines[:line] + [(sent, count)] + lines[line + 1 :]

        return change

    def second_run(self):
        """A camera that goes on with its slowest frames while its board was reset."""

        def prepare(chip):
            chip.camera.registers.update({0x0100: 1, 0x0342: 0x5E, 0x0343: 0x00, 0x0341: 0x58,
                                          0x0340: 0x01})
            chip.camera.started = 0.0

        chip, log = self.camera_run([self.scene(1)], 1, prepare=prepare)
        self.check_pictures(chip, log, [1])

    def cases(self):
        slipped = "a line of it was too short or too long"
        return super().cases() + [
            ("lines too many", self.loses(scenes.long, "it went on after its last row")),
            ("a byte more", self.loses(scenes.byte_more, slipped)),
            ("a byte less", self.loses(scenes.byte_less, slipped)),
            ("a bit more", self.loses(self.bits(100, 1), slipped)),
            ("a bit less", self.loses(self.bits(100, -1), slipped)),
            ("no clock", self.fails("no camera answers on I2C at address 0x24", own_clock_hz=0)),
            ("the board's clock, asked for", self.clock_of_the_board),
            ("a run after a slow one", self.second_run),
            ("another chip", self.fails("it is 0x0360, this program is for 0x01b0", model=0x0360)),
            ("a side that there is not", self.fails("324", side=325, status=1)),
        ]


BOARDS = {"nucleo-h743zi": Nucleo, "pico2": Pico2}

__all__ = ["BOARDS", "Wrong"]
