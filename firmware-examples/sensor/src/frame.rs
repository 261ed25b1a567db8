//! Whether a frame came whole.

use shared::Loss;

/// How far a frame has come through a board's [`Port`](crate::Port).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the frame that are in memory, however often the ring went round.
    pub arrived: usize,
    /// Whether the camera has said that the frame is over. It is to be looked at
    /// before `arrived`, so that the last bytes are not missed.
    pub has_ended: bool,
    /// Whether the chip itself has lost bytes.
    pub has_overrun: bool,
    /// Whether a line had another length than lines have.
    pub has_slipped: bool,
}

/// What a [`Port`](crate::Port) is to take, from the start of the next frame on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// One frame, and nothing after it. A line of another length is to be seen, as
    /// [`Progress::has_slipped`] or by the bytes that are missing, or what is too much
    /// of it left out: it is never to shift what follows.
    Frame {
        /// Bytes of a line.
        line_len: usize,
        /// Lines.
        lines: usize,
    },
    /// So many bytes, a multiple of four, wherever lines begin and end.
    Bytes(usize),
}

/// What is to be done for a line of a frame, or for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To look again.
    Wait,
    /// It is there.
    Ready,
    /// The frame is lost.
    Lost(Loss),
}

/// Bytes ahead of what is known to have arrived that a DMA may have written: its
/// own FIFO, and what came since its counter was read.
const UNDER_WAY_BYTES: usize = 64;

/// One frame, whose lines go through a ring that is shorter than it.
///
/// A line may be read once it has arrived whole and until the ring comes round
/// to it. The frame is whole when the camera ends it and as many bytes came as
/// it has: a line that was lost in the middle shows by then, and one that was
/// shorter or longer is the port's to see.
#[derive(Clone, Debug)]
pub struct Frame {
    line_len: usize,
    lines: usize,
    ring_len: usize,
    /// What had arrived when the frame was first seen to have ended too early.
    ended_at: Option<usize>,
}

impl Frame {
    /// Returns a frame of `lines` of `line_len` bytes, in a ring of `ring_len`
    /// bytes.
    #[must_use]
    pub const fn new(line_len: usize, lines: usize, ring_len: usize) -> Self {
        Self { line_len, lines, ring_len, ended_at: None }
    }

    /// Returns the frame as a port is told of it.
    #[must_use]
    pub const fn take(&self) -> Take {
        Take::Frame { line_len: self.line_len, lines: self.lines }
    }

    /// Returns the bytes of the frame.
    #[must_use]
    pub const fn byte_len(&self) -> usize {
        self.line_len * self.lines
    }

    /// Forgets the frame before.
    pub fn begin(&mut self) {
        self.ended_at = None;
    }

    /// Returns whether that line may be read. It is asked once more after the
    /// line was read: what the ring came round to meanwhile is no line.
    pub fn line(&mut self, line: usize, progress: Progress) -> Step {
        let start = line * self.line_len;
        let is_overtaken = progress.arrived + UNDER_WAY_BYTES > start + self.ring_len;
        match self.check(progress) {
            Step::Lost(loss) => Step::Lost(loss),
            _ if is_overtaken => Step::Lost(Loss::Overrun),
            _ if progress.arrived >= start + self.line_len => Step::Ready,
            _ => self.early(progress),
        }
    }

    /// Returns whether the frame has ended with all of its bytes.
    pub fn end(&mut self, progress: Progress) -> Step {
        match self.check(progress) {
            Step::Lost(loss) => Step::Lost(loss),
            _ if progress.has_ended && progress.arrived == self.byte_len() => Step::Ready,
            _ => self.early(progress),
        }
    }

    fn check(&self, progress: Progress) -> Step {
        if progress.has_slipped {
            Step::Lost(Loss::Slipped)
        } else if progress.has_overrun {
            Step::Lost(Loss::Overrun)
        } else if progress.arrived > self.byte_len() {
            Step::Lost(Loss::TooLong)
        } else {
            Step::Wait
        }
    }

    /// Waits, unless the frame is over: bytes may still be on their way when the
    /// camera ends it, so that it is over when nothing more came since.
    fn early(&mut self, progress: Progress) -> Step {
        if !progress.has_ended {
            return Step::Wait;
        }
        if self.ended_at.replace(progress.arrived) == Some(progress.arrived) {
            return Step::Lost(Loss::EndedEarly);
        }
        Step::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE_LEN: usize = 100;

    fn frame() -> Frame {
        Frame::new(LINE_LEN, 10, 4 * LINE_LEN)
    }

    fn at(arrived: usize) -> Progress {
        Progress { arrived, ..Progress::default() }
    }

    fn ended(arrived: usize) -> Progress {
        Progress { has_ended: true, ..at(arrived) }
    }

    #[test]
    fn a_line_is_there_from_its_last_byte_until_the_ring_comes_round() {
        for (arrived, expected) in [
            (0, Step::Wait),
            (299, Step::Wait),
            (300, Step::Ready),
            (536, Step::Ready),
            (537, Step::Lost(Loss::Overrun)),
            (1000, Step::Lost(Loss::Overrun)),
        ] {
            assert_eq!(frame().line(2, at(arrived)), expected, "{arrived}");
        }
    }

    #[test]
    fn a_frame_that_ends_early_is_lost_once_nothing_more_comes() {
        let mut frame = frame();
        assert_eq!(frame.line(2, ended(250)), Step::Wait);
        assert_eq!(frame.line(2, ended(260)), Step::Wait);
        assert_eq!(frame.line(2, ended(260)), Step::Lost(Loss::EndedEarly));
        frame.begin();
        assert_eq!(frame.line(2, ended(260)), Step::Wait);
        assert_eq!(frame.line(2, ended(300)), Step::Ready);
    }

    #[test]
    fn the_end_wants_every_byte_and_no_more() {
        let mut frame = frame();
        assert_eq!(frame.end(at(1000)), Step::Wait);
        assert_eq!(frame.end(ended(1000)), Step::Ready);
        assert_eq!(frame.end(at(1001)), Step::Lost(Loss::TooLong));
        assert_eq!(frame.line(9, ended(1004)), Step::Lost(Loss::TooLong));
        // A line was lost somewhere.
        assert_eq!(frame.end(ended(900)), Step::Wait);
        assert_eq!(frame.end(ended(900)), Step::Lost(Loss::EndedEarly));
    }

    #[test]
    fn a_line_of_another_length_is_said_before_what_follows_from_it() {
        let progress = Progress { has_slipped: true, has_overrun: true, ..at(350) };
        assert_eq!(frame().line(2, progress), Step::Lost(Loss::Slipped));
        assert_eq!(
            frame().end(Progress { has_slipped: true, ..ended(1000) }),
            Step::Lost(Loss::Slipped)
        );
    }

    #[test]
    fn what_the_chip_lost_is_lost() {
        let progress = Progress { has_overrun: true, ..ended(1000) };
        assert_eq!(frame().line(9, progress), Step::Lost(Loss::Overrun));
        assert_eq!(frame().end(progress), Step::Lost(Loss::Overrun));
    }
}
