"""A Cortex-M core on Unicorn: memory, registers with behaviour, interrupts, debug.

Time counts cycles of the core: one for each instruction, and a charge for each access
to a register, so that a program that polls does not need millions of instructions to
see time pass. No cache, no wait state and no bus is modelled.
"""

import struct

from unicorn import Uc, UcError, UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_MCLASS, UC_MODE_THUMB
from unicorn import UC_PROT_EXEC, UC_PROT_READ, UC_PROT_WRITE
from unicorn import arm_const as arm

from elf import Elf
from rtt import Rtt

SLICE = 20_000
ACCESS_CYCLES = 8
# Cycles that a read lets pass at most, and one of the register that was read before.
MOST_POLL = 4_000
MOST_WAIT = 60_000

# Where interrupt handlers return to: a page of code that no chip has.
RETURN = 0x0F00_0000

REGISTERS = [getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)] + [
    arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC, arm.UC_ARM_REG_XPSR,
]

YIELD = 0xBF10
SEMIHOSTING = 0xBEAB
SYS_EXIT, SYS_EXIT_EXTENDED = 0x18, 0x20
APPLICATION_EXIT = 0x20026


class Fault(Exception):
    """What a chip would not do, or a program must not."""


class Registers:
    """A block of registers. What has no behaviour keeps what was written.

    A chip's block has methods `read_NAME` and `write_NAME` for those in `NAMES`.
    """

    NAMES = {}

    def __init__(self, core):
        self.core = core
        self.values = {}
        names = self.NAMES.items()
        self.readers = {at: getattr(self, f"read_{name}", None) for at, name in names}
        self.writers = {at: getattr(self, f"write_{name}", None) for at, name in names}

    def read(self, offset):
        reader = self.readers.get(offset)
        return reader() if reader else self.values.get(offset, 0)

    def write(self, offset, value):
        writer = self.writers.get(offset)
        if writer:
            writer(value)
        else:
            self.values[offset] = value


class Core:
    """The core, with whatever a chip maps into it."""

    def __init__(self, elf_path, model, hz, cpu=arm.UC_CPU_ARM_CORTEX_M7):
        self.elf = Elf(elf_path)
        self.hz = hz
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(cpu)
        self.now = 0
        self.model = model
        self.exit_status = None
        self.instructions = 0
        self.enabled = set()
        self.pending = set()
        self.blocks = []
        self.ticking = []
        self.faults = []
        self.waiting = ACCESS_CYCLES
        self.system = System(self)
        self.uc.mem_map(RETURN, 0x1000, UC_PROT_READ | UC_PROT_EXEC)
        self.uc.hook_add(UC_HOOK_INTR, self._on_exception)
        self.map_registers(0xE000_0000, 0x10_0000, self.system)
        self.rtt = Rtt(self)

    # What a chip is made of.

    def map_ram(self, origin, length):
        self.uc.mem_map(origin, length, UC_PROT_READ | UC_PROT_WRITE | UC_PROT_EXEC)

    def map_flash(self, origin, length, model_at):
        self.uc.mem_map(origin, length, UC_PROT_READ | UC_PROT_EXEC)
        for address, data in self.elf.segments():
            if origin <= address < origin + length:
                self.uc.mem_write(address, data)
        self.uc.mem_write(model_at, self.model)
        self.vectors = origin

    def map_registers(self, origin, length, block):
        """Maps a block, or for a chip's whole space something that finds them."""

        def read(_, offset, size, __):
            self._pass_time(origin + offset)
            word = block.read(offset & ~3) & 0xFFFF_FFFF
            shift = 8 * (offset & 3)
            return (word >> shift) & ((1 << (8 * size)) - 1)

        def write(_, offset, size, value, __):
            self._pass_time(None)
            if size < 4:
                block.write_part(offset, size, value)
            else:
                block.write(offset, value)

        self.uc.mmio_map(origin, length, read, None, write, None)

    # Time.

    def _pass_time(self, polled):
        """One access; reading again and again, of one register above all, is to wait."""
        if polled is None:
            self.waiting = ACCESS_CYCLES
        else:
            most = MOST_WAIT if polled == self.last_polled else MOST_POLL
            self.waiting = min(self.waiting * 2, max(most, ACCESS_CYCLES))
            self.last_polled = polled
        self.now += self.waiting
        self.tick()

    last_polled = None

    def something_came(self):
        """A program that waits looks at what has come."""
        self.waiting = ACCESS_CYCLES

    def tick(self):
        for ticking in self.ticking:
            ticking()
        if self.pending & self.enabled:
            self.uc.emu_stop()

    def seconds(self):
        return self.now / self.hz

    # Running.

    def start(self):
        stack, entry = struct.unpack("<II", self.uc.mem_read(self.vectors, 8))
        self.uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self.pc = entry & ~1

    def run(self, most_seconds, until=None):
        """Runs until the program ends, or time is over; returns its exit status."""
        while self.exit_status is None and self.seconds() < most_seconds:
            self._slice(self.pc, 0)
            self._interrupt()
            self.rtt.serve()
            if until and until():
                break
        self.rtt.serve()
        return self.exit_status

    def _slice(self, start, until):
        try:
            self.uc.emu_start(start | 1, until, count=SLICE)
            self.pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
            self.now += SLICE
            self.instructions += SLICE
        except UcError as error:
            self.pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
            if self.exit_status is not None:
                return
            before, instruction = struct.unpack("<HH", self._peek(self.pc - 2, 4))
            if YIELD in (before, instruction):
                # Unicorn stops at it, or after it where it is not a block's first.
                self.pc += 2 if instruction == YIELD else 0
                self.waiting = min(max(self.waiting, 64) * 2, MOST_WAIT)
                self.now += self.waiting
            elif instruction == SEMIHOSTING:
                self._semihosting()
            else:
                raise Fault(f"{error} at {self.pc:#010x} ({self.elf.function(self.pc)})") from None
        self.tick()

    def _peek(self, address, length):
        try:
            return bytes(self.uc.mem_read(address, length))
        except UcError:
            return bytes(length)

    def _on_exception(self, uc, number, _):
        pc = uc.reg_read(arm.UC_ARM_REG_PC)
        for at in (pc, pc - 2):
            if self._peek(at, 2) == struct.pack("<H", SEMIHOSTING):
                self._semihosting()
                break
        else:
            self.faults.append(f"exception {number} at {pc:#010x} ({self.elf.function(pc)})")
            self.exit_status = self.exit_status or 255
        uc.emu_stop()

    def _semihosting(self):
        operation = self.uc.reg_read(arm.UC_ARM_REG_R0)
        argument = self.uc.reg_read(arm.UC_ARM_REG_R1)
        if operation == SYS_EXIT_EXTENDED:
            reason, status = struct.unpack("<II", self.uc.mem_read(argument, 8))
            self.exit_status = status if reason == APPLICATION_EXIT else 255
        elif operation == SYS_EXIT:
            self.exit_status = 0 if argument == APPLICATION_EXIT else 1
        else:
            raise Fault(f"semihosting asks for {operation:#x}, which no example does")

    def _interrupt(self):
        """Runs the handlers that are due, each as a call: context, vector, context."""
        while self.exit_status is None:
            due = sorted(self.pending & self.enabled)
            if not due or self.uc.reg_read(arm.UC_ARM_REG_PRIMASK):
                return
            number = due[0]
            self.pending.discard(number)
            kept = [self.uc.reg_read(register) for register in REGISTERS]
            kept[15] = self.pc
            (vector,) = struct.unpack(
                "<I", self.uc.mem_read(self.system.vectors(self.vectors) + 4 * (16 + number), 4)
            )
            self.uc.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
            self.uc.reg_write(arm.UC_ARM_REG_SP, kept[13] - 0x40)
            self.pc = vector & ~1
            while self.pc != RETURN:
                self._slice(self.pc, RETURN)
                if self.exit_status is not None:
                    return
            for register, value in zip(REGISTERS, kept):
                self.uc.reg_write(register, value)
            self.pc = kept[15]
            self.level_interrupts()

    def level_interrupts(self):
        """Lets a chip raise again what a handler has left."""
        self.tick()

    def raise_interrupt(self, number, is_raised):
        (self.pending.add if is_raised else self.pending.discard)(number)


class System(Registers):
    """What is at 0xe0000000 in every Cortex-M (Arm, Armv7-M ARM, chapters B3 and C1)."""

    NAMES = {
        0x1004: "cyccnt",
        0xE014: "rvr",
        0xE018: "cvr",
        0xED00: "cpuid",
        0xED08: "vtor",
        0xED80: "ccsidr",
        0xED98: "rnr",
        0xED9C: "rbar",
        0xEDA0: "rasr",
        0xEDF0: "dhcsr",
        **{0xE100 + 4 * n: f"iser{n}" for n in range(8)},
        **{0xE180 + 4 * n: f"icer{n}" for n in range(8)},
        **{0xE280 + 4 * n: f"icpr{n}" for n in range(8)},
        **{0xE200 + 4 * n: f"ispr{n}" for n in range(8)},
    }

    CYCLE_COUNTER_ON = 1

    def __init__(self, core):
        for n in range(8):
            for kind in ("iser", "icer", "icpr", "ispr"):
                setattr(self, f"write_{kind}{n}", lambda v, k=kind, n=n: self._nvic(k, n, v))
            setattr(self, f"read_iser{n}", lambda n=n: self._bits(core.enabled, n))
            setattr(self, f"read_ispr{n}", lambda n=n: self._bits(core.pending, n))
        super().__init__(core)
        self.cycles_from = 0
        self.regions = {}

    def _bits(self, numbers, n):
        return sum(1 << (number - 32 * n) for number in numbers if number // 32 == n)

    def _nvic(self, kind, n, value):
        numbers = {32 * n + bit for bit in range(32) if value >> bit & 1}
        if kind == "iser":
            self.core.enabled |= numbers
        elif kind == "icer":
            self.core.enabled -= numbers
        elif kind == "icpr":
            self.core.pending -= numbers
        else:
            self.core.pending |= numbers

    def write_part(self, offset, size, value):
        """Priorities of interrupts are bytes."""
        shift = 8 * (offset & 3)
        mask = ((1 << (8 * size)) - 1) << shift
        word = self.values.get(offset & ~3, 0)
        self.values[offset & ~3] = word & ~mask | value << shift

    def read_cyccnt(self):
        is_counting = self.values.get(0xEDFC, 0) >> 24 & 1 and self.values.get(0x1000, 0) & 1
        return (self.core.now - self.cycles_from) & 0xFFFF_FFFF if is_counting else 0

    def write_cyccnt(self, value):
        self.cycles_from = self.core.now - value

    def read_cvr(self):
        reload = self.values.get(0xE014, 0)
        return reload - self.core.now % (reload + 1)

    def vectors(self, default):
        return self.values.get(0xED08, 0) or default

    def read_cpuid(self):
        return 0x411F_C271

    def read_ccsidr(self):
        # Two sets of two ways, so that invalidating takes no time.
        return 1 << 13 | 1 << 3 | 1

    def read_dhcsr(self):
        return 1

    def write_rasr(self, value):
        self.values[0xEDA0] = value
        self.regions[self.values.get(0xED98, 0)] = (self.values.get(0xED9C, 0) & ~31, value)

    def is_cached(self, address):
        """Returns whether the core's data cache may keep what lies there."""
        if not self.values.get(0xED14, 0) >> 16 & 1:
            return False
        if self.values.get(0xED94, 0) & 1:
            for number in sorted(self.regions, reverse=True):
                base, attributes = self.regions[number]
                length = 1 << ((attributes >> 1 & 31) + 1)
                if attributes & 1 and base <= address < base + length:
                    # TEX 1, C 0, B 0 is normal memory that is not cached; C and B are
                    # bits 17 and 16.
                    return attributes >> 17 & 1 == 1
        return True
