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
    /// Cycles of PIO in a period of PCLK, four times.
    quarter_cycles: usize,
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
        let mut quarters = 0;
        let mut period = |bit: bool, href: bool, vsync: bool| {
            quarters += self.quarter_cycles;
            let cycles = quarters / 4;
            quarters %= 4;
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

/// How a run of the program ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// With the bits of a frame.
    Frame(Vec<bool>),
    /// In a line of another length.
    Slipped,
    /// Never.
    None,
}

/// Runs the program for lines of that many bits until it waits to be started once
/// more.
///
/// Only what the program uses of PIO is here (\[RP2350\], PIO instruction set).
fn run(wave: &[Pins], line_bits: u32) -> End {
    let program = program::serial_line();
    let x = line_bits - 1;
    let (mut pc, mut y, mut delay) = (usize::from(program::START), 0_u32, 0);
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
            // mov y, x; nop, which is mov y, y; mov pc, pins
            (5, 2) if index == 1 => y = x,
            (5, 2) => assert_eq!(index, 2),
            (5, 5) => {
                assert_eq!(index, 0);
                next = pins.iter().rev().fold(0, |all, pin| all << 1 | usize::from(*pin));
            }
            // irq wait
            (6, 1) if index == 0 => return End::Frame(bits),
            (6, 1) => {
                assert_eq!(index, 1);
                return End::Slipped;
            }
            _ => panic!("instruction {word:#06x} is not in here"),
        }
        delay = word >> 8 & 31;
        pc = next;
    }
    End::None
}

/// Returns lines of bits that differ.
fn lines(count: usize) -> Vec<Vec<bool>> {
    let bit = |line: usize, at: usize| (line * 37 + at * at * 11 + at) % 7 < 3;
    (0..count).map(|line| (0..72).map(|at| bit(line, at)).collect()).collect()
}

const LINE_BITS: u32 = 72;

/// Speeds of PCLK at 150 MHz of PIO, in quarters of cycles: 24, 20, 15, 12 and 6 MHz.
const SPEEDS: [usize; 5] = [25, 30, 40, 50, 100];

/// Calls `check` with every sender that is to be understood.
fn each_sender(check: impl Fn(Sender, &str)) {
    for quarter_cycles in SPEEDS {
        for is_gated in [false, true] {
            // Half a period is three cycles at the fastest.
            for late_cycles in 0..=if quarter_cycles < 30 { 2 } else { 3 } {
                let sender = Sender { quarter_cycles, is_gated, late_cycles };
                check(sender, &format!("{quarter_cycles}, gated {is_gated}, {late_cycles} late"));
            }
        }
    }
}

#[test]
fn one_frame_is_taken_bit_by_bit_and_nothing_after_it() {
    let lines = lines(5);
    each_sender(|sender, what| {
        assert_eq!(run(&sender.send(&lines), LINE_BITS), End::Frame(lines.concat()), "{what}");
    });
}

#[test]
fn a_bit_more_or_less_anywhere_but_at_the_end_is_seen() {
    for line in 0..4 {
        for at in [0, 35, 71] {
            let (mut more, mut less) = (lines(5), lines(5));
            more[line].insert(at, true);
            less[line].remove(at);
            each_sender(|sender, what| {
                assert_eq!(run(&sender.send(&more), LINE_BITS), End::Slipped, "{what}");
                assert_eq!(run(&sender.send(&less), LINE_BITS), End::Slipped, "{what}");
            });
        }
    }
    // Two bytes more in every line, as after a reset of the sensor.
    let longer: Vec<_> = lines(5).iter().map(|line| [&line[..], &[true; 16]].concat()).collect();
    each_sender(|sender, what| {
        assert_eq!(run(&sender.send(&longer), LINE_BITS), End::Slipped, "{what}");
    });
}

#[test]
fn a_line_that_is_missing_is_a_frame_that_is_short() {
    let lines = lines(4);
    each_sender(|sender, what| {
        let got = run(&sender.send(&lines), LINE_BITS);
        assert_eq!(got, End::Frame(lines.concat()), "{what}");
    });
}

#[test]
fn a_frame_without_lines_ends_too() {
    let sender = Sender { quarter_cycles: 50, is_gated: false, late_cycles: 1 };
    assert_eq!(run(&sender.send(&[]), LINE_BITS), End::Frame(Vec::new()));
}

#[test]
fn a_camera_that_never_ends_its_frame_is_waited_for() {
    let sender = Sender { quarter_cycles: 50, is_gated: false, late_cycles: 1 };
    let mut wave = sender.send(&lines(3));
    let start = wave.iter().position(|pins| pins[3]).expect("it begins");
    let end = wave.iter().rposition(|pins| pins[3]).expect("it begins");
    wave[start..].iter_mut().for_each(|pins| pins[3] = true);
    assert_eq!(run(&wave[..end], LINE_BITS), End::None);
}
