//! The program of pico2's state machine, run on pins of the host.

#[path = "../../pico2/src/program.rs"]
mod program;

/// Levels of the pins in one cycle: D0, PCLK, HREF and VSYNC, GPIO6 to GPIO9.
type Pins = [bool; 4];

const FIRST_GPIO: u16 = 6;

/// Pin of `jmp`.
const HREF: usize = 2;

/// What a camera sends.
#[derive(Clone, Copy)]
struct Sender {
    /// Cycles of PIO in a period of PCLK, doubled.
    half_cycles: usize,
    /// Whether PCLK rests between lines.
    is_gated: bool,
    /// Cycles from the fall of PCLK until D0 and HREF change.
    late_cycles: usize,
}

impl Sender {
    /// Returns the pins while a frame of these lines is sent twice, the second
    /// time with its bits turned round.
    fn send(self, lines: &[Vec<bool>]) -> Vec<Pins> {
        let mut wave = Vec::new();
        let mut last = (false, false);
        let mut halves = 0;
        let mut period = |bit: bool, href: bool, vsync: bool| {
            halves += self.half_cycles;
            let cycles = halves / 2;
            halves %= 2;
            let low = cycles / 2;
            for cycle in 0..cycles {
                let (bit, href) = if cycle < self.late_cycles { last } else { (bit, href) };
                let clock = cycle >= low && (href || !self.is_gated);
                wave.push([bit, clock, href, vsync]);
            }
            last = (bit, href);
        };
        for turned in [false, true] {
            (0..30).for_each(|_| period(true, false, false));
            (0..9).for_each(|_| period(true, false, true));
            for line in lines {
                for bit in line {
                    period(bit ^ turned, true, true);
                }
                (0..7).for_each(|_| period(true, false, true));
            }
        }
        (0..30).for_each(|_| period(true, false, false));
        wave
    }
}

/// Runs the program and returns the bits that it took until it waits to be
/// started once more, or nothing where it never does.
///
/// Only what the program uses of PIO is here (\[RP2350\], PIO instruction set).
fn run(wave: &[Pins]) -> Option<Vec<bool>> {
    let program = program::serial_line();
    let (mut pc, mut y, mut osr, mut delay) = (0, 0_u32, 0_u32, 0);
    let mut bits = Vec::new();
    for pins in wave {
        if delay > 0 {
            delay -= 1;
            continue;
        }
        let word = program.code[pc];
        let (kind, what, index) = (word >> 13, word >> 5 & 7, word & 31);
        let mut next = if pc == usize::from(program.wrap.source) {
            program.wrap.target.into()
        } else {
            pc + 1
        };
        match (kind, what) {
            // jmp, jmp y--, jmp pin
            (0, 0) => next = index.into(),
            (0, 4) => {
                if y > 0 {
                    next = index.into();
                }
                y = y.wrapping_sub(1);
            }
            (0, 6) if pins[HREF] => next = index.into(),
            (0, 6) => {}
            // wait 0 gpio, wait 1 gpio
            (1, 0 | 4) => {
                if pins[usize::from(index - FIRST_GPIO)] != (what == 4) {
                    continue;
                }
            }
            // in pins, 1
            (2, 0) => {
                assert_eq!(index, 1);
                bits.push(pins[0]);
            }
            // out y, out null
            (3, 2 | 3) => {
                if what == 2 {
                    y = osr & ((1 << index) - 1);
                }
                osr >>= index;
            }
            // mov osr, pins
            (5, 7) => osr = pins.iter().rev().fold(0, |all, pin| all << 1 | u32::from(*pin)),
            // irq wait
            (6, 1) => return Some(bits),
            _ => panic!("instruction {word:#06x} is not in here"),
        }
        delay = word >> 8 & 31;
        pc = next;
    }
    None
}

/// Returns lines of bits that differ.
fn lines(count: usize) -> Vec<Vec<bool>> {
    let bit = |line: usize, at: usize| (line * 37 + at * at * 11 + at) % 7 < 3;
    (0..count).map(|line| (0..72).map(|at| bit(line, at)).collect()).collect()
}

#[test]
fn one_frame_is_taken_bit_by_bit_and_nothing_after_it() {
    let lines = lines(5);
    // 150 MHz of PIO: PCLK has 12 MHz in the middle, and 6 and 15 beside it.
    for half_cycles in [50, 25, 20] {
        for is_gated in [false, true] {
            for late_cycles in 0..=3 {
                let sender = Sender { half_cycles, is_gated, late_cycles };
                let got = run(&sender.send(&lines)).expect("the frame ends");
                let what = format!("{half_cycles}, gated {is_gated}, {late_cycles} late");
                assert_eq!(got, lines.concat(), "{what}");
            }
        }
    }
}

#[test]
fn a_frame_without_lines_ends_too() {
    let sender = Sender { half_cycles: 25, is_gated: false, late_cycles: 1 };
    assert_eq!(run(&sender.send(&[])), Some(Vec::new()));
}

#[test]
fn a_camera_that_never_ends_its_frame_is_waited_for() {
    let sender = Sender { half_cycles: 25, is_gated: false, late_cycles: 1 };
    let mut wave = sender.send(&lines(3));
    let start = wave.iter().position(|pins| pins[3]).expect("it begins");
    let end = wave.iter().rposition(|pins| pins[3]).expect("it begins");
    wave[start..].iter_mut().for_each(|pins| pins[3] = true);
    assert_eq!(run(&wave[..end]), None);
}
