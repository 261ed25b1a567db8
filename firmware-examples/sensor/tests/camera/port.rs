//! A port whose DMA is as fast as the sensor's clock.

use std::cell::Cell;
use std::rc::Rc;

use sensor::{Port, Progress, Take};

/// Bytes of the ring: twenty lines.
pub const RING_LEN: usize = 20 * 324;

/// Time, which passes by looking at the port and where a test says.
pub struct Clock {
    now: Cell<usize>,
    line_ticks: Cell<usize>,
}

impl Clock {
    pub fn new() -> Rc<Self> {
        Rc::new(Self { now: Cell::new(0), line_ticks: Cell::new(376) })
    }

    pub fn pass(&self, ticks: usize) {
        self.now.set(self.now.get() + ticks);
    }

    /// Ticks of a line.
    pub fn line_ticks(&self) -> usize {
        self.line_ticks.get()
    }

    pub fn set_line_ticks(&self, ticks: usize) {
        self.line_ticks.set(ticks);
    }
}

/// A frame as the sensor sends it.
#[derive(Clone)]
pub struct Sent {
    pub frame: usize,
    pub lines: Vec<usize>,
    /// Bytes from which on the chip loses some.
    pub overrun_at: Option<usize>,
    /// Bytes from which on the port sees a line of another length.
    pub slips_at: Option<usize>,
    /// Whether the port takes what follows the frame for a part of it.
    pub goes_on: bool,
    /// Whether the camera stops without an end of the frame.
    pub is_stuck: bool,
    /// The bytes, where they are the sensor's test picture.
    pub picture: Option<fn(usize) -> u8>,
    /// A line, and the ticks that its copy takes.
    pub slow_copy: Option<(usize, usize)>,
}

impl Sent {
    pub fn whole(frame: usize) -> Self {
        Self {
            frame,
            lines: (0..324).collect(),
            overrun_at: None,
            slips_at: None,
            goes_on: false,
            is_stuck: false,
            picture: None,
            slow_copy: None,
        }
    }

    pub fn without(frame: usize, line: usize) -> Self {
        let mut sent = Self::whole(frame);
        sent.lines.remove(line);
        sent
    }
}

/// Returns a byte of a frame, which no other byte is sure to be.
pub fn pixel(frame: usize, line: usize, x: usize) -> u8 {
    let [byte, ..] = (line * 131 + x * 29 + frame * 71 + line * x / 7).to_le_bytes();
    byte
}

/// A port that receives frames in the order of a list.
pub struct Scripted {
    clock: Rc<Clock>,
    frames: Vec<Sent>,
    line_len: usize,
    /// Frames that were begun.
    begun: usize,
    started: usize,
    written: usize,
    ring: Vec<u8>,
}

impl Scripted {
    pub fn new(clock: &Rc<Clock>, frames: Vec<Sent>) -> Self {
        Self {
            clock: clock.clone(),
            frames,
            line_len: 324,
            begun: 0,
            started: 0,
            written: 0,
            ring: vec![0; RING_LEN],
        }
    }

    pub fn with_lines_of(self, line_len: usize) -> Self {
        Self { line_len, ..self }
    }

    fn now(&self) -> usize {
        self.clock.now.get()
    }

    /// Lets the DMA write what came since it last did.
    fn receive(&mut self) -> Progress {
        let Some(sent) = self.begun.checked_sub(1).and_then(|at| self.frames.get(at)) else {
            return Progress::default();
        };
        let came = (self.now() - self.started) * self.line_len / self.clock.line_ticks();
        let frame_len = sent.lines.len() * self.line_len;
        let arrived = if sent.goes_on { came } else { came.min(frame_len) };
        for at in self.written..arrived {
            let line = sent.lines[at / self.line_len % sent.lines.len()];
            self.ring[at % RING_LEN] = match sent.picture {
                Some(picture) => picture(line * self.line_len + at % self.line_len),
                None => pixel(sent.frame, line, at % self.line_len),
            };
        }
        self.written = arrived;
        Progress {
            arrived,
            has_ended: came > frame_len && !sent.goes_on && !sent.is_stuck,
            has_overrun: sent.overrun_at.is_some_and(|at| arrived > at),
            has_slipped: sent.slips_at.is_some_and(|at| arrived > at),
        }
    }
}

impl Port for Scripted {
    const RING_LEN: usize = RING_LEN;
    const TICKS_PER_MS: u32 = 100;

    fn begin(&mut self, _: Take) {
        self.begun += 1;
        self.started = self.now();
        self.written = 0;
    }

    fn progress(&mut self) -> Progress {
        self.clock.pass(10);
        self.receive()
    }

    fn copy(&mut self, start: usize, out: &mut [u8]) {
        assert!(start % 4 == 0 && out.len() % 4 == 0, "words are copied");
        let slow = self.frames[self.begun - 1].slow_copy;
        let slow = slow.filter(|(line, _)| line * self.line_len == start);
        self.clock.pass(slow.map_or(1, |(_, ticks)| ticks));
        self.receive();
        for (at, byte) in out.iter_mut().enumerate() {
            *byte = self.ring[(start + at) % RING_LEN];
        }
    }

    fn ticks(&mut self) -> u32 {
        u32::try_from(self.now()).expect("tests are short")
    }
}
