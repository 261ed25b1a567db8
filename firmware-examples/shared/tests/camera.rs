//! `watch` and `camera` on a board of the host, whose camera loses frames where
//! it is told to.

#[path = "../../../lcl-infer/tests/contract/model.rs"]
#[expect(dead_code, reason = "the engine's tests need more of it")]
mod model;
mod silent_log;

use lcl_infer::{FeatureRow, ImageSize, Novelty, PoolOrder};
use model::{Model, Random};
use shared::{Arrival, Board, Camera, Loss, Meter, Ratio, Status};

const SIDE: usize = 16;

/// A frame, and the row in which it is lost.
type Frame = (Vec<u8>, Option<usize>);

struct Host {
    model: &'static [u8],
    frames: Vec<Frame>,
    /// Frames that have begun, and rows of the last that were taken.
    at: (usize, usize),
    events: Vec<Vec<u8>>,
}

impl Board for Host {
    const NAME: &'static str = "host";
    const MAX_WIDTH: usize = SIDE;
    type Error = ();

    fn model(&self) -> &'static [u8] {
        self.model
    }

    fn next_frame(&mut self) -> Result<Option<ImageSize>, ()> {
        Err(())
    }

    fn read_row(&mut self, _: &mut [u8]) -> Result<(), ()> {
        Err(())
    }

    fn write_features(&mut self, _: &FeatureRow<'_>) -> Result<(), ()> {
        Err(())
    }

    fn send_event(&mut self, event: &[u8]) -> Result<(), ()> {
        self.events.push(event.to_vec());
        Ok(())
    }
}

impl Camera for Host {
    fn wait_frame(&mut self) -> Result<Option<ImageSize>, ()> {
        self.at = (self.at.0 + 1, 0);
        Ok(self.frames.get(self.at.0 - 1).map(|_| ImageSize::square(SIDE)))
    }

    fn wait_row(&mut self, row: &mut [u8]) -> Result<Arrival, ()> {
        let (frame, lost) = &self.frames[self.at.0 - 1];
        if *lost == Some(self.at.1) {
            return Ok(Arrival::Lost(Loss::Overrun));
        }
        let start = self.at.1 * row.len();
        row.copy_from_slice(&frame[start..start + row.len()]);
        self.at.1 += 1;
        Ok(Arrival::Row)
    }
}

impl Meter for Host {
    const UNIT: &'static str = "nothing";
    const UNITS_PER_SECOND: u32 = 1;
    const CLOCK: &'static str = "of no clock";

    fn ticks() -> u32 {
        0
    }

    fn calibrate() -> Ratio {
        Ratio::ONE
    }

    fn stack_bytes() -> usize {
        0
    }

    fn flash_bytes() -> usize {
        0
    }
}

fn host(frames: Vec<Frame>) -> Host {
    let blob = Model::tiny(PoolOrder::MaxBlur, 2).blob();
    // A partition of flash is there for ever.
    let model = Box::leak(Box::new(blob)).as_slice();
    Host { model, frames, at: (0, 0), events: Vec::new() }
}

fn scenes() -> [Vec<u8>; 2] {
    [Random(1).bytes(3 * SIDE * SIDE), vec![0; 3 * SIDE * SIDE]]
}

/// Runs `watch` and returns its events.
fn watched(frames: Vec<Frame>) -> Vec<Novelty> {
    let mut host = host(frames);
    let mut memory = vec![0; 1 << 16];
    assert_eq!(shared::run(&mut host, &mut memory, shared::watch), Status::Success);
    let parsed = host.events.iter().map(|event| Novelty::parse(event).expect("an event").0);
    parsed.collect()
}

#[test]
fn a_frame_that_was_lost_says_nothing_and_is_not_counted() {
    let [scene, other] = scenes();
    let mut frames = vec![(scene, None); 8];
    assert_eq!(watched(frames.clone()), []);
    frames.push((other.clone(), None));
    let [event] = watched(frames.clone())[..] else { panic!("one frame is novel") };
    assert_eq!(event.frame, 8);
    for lost in [0, 7, SIDE - 1] {
        let mut frames = frames.clone();
        frames.insert(4, (frames[0].0.clone(), Some(lost)));
        assert_eq!(watched(frames), [event], "lost in row {lost}");
    }
    frames[8].1 = Some(SIDE - 1);
    assert_eq!(watched(frames), []);
}

#[test]
fn the_camera_goes_on_after_a_loss() {
    let [scene, _] = scenes();
    let frames = [Some(3), None, Some(SIDE - 1), None].map(|lost| (scene.clone(), lost));
    let mut host = host(frames.to_vec());
    let mut memory = vec![0; 1 << 16];
    assert_eq!(shared::run(&mut host, &mut memory, shared::camera), Status::Success);
    assert_eq!(host.at.0, 5);
}

#[test]
fn without_a_frame_or_with_too_little_memory_it_fails() {
    let mut memory = vec![0; 1 << 16];
    let mut none = host(Vec::new());
    assert_eq!(shared::run(&mut none, &mut memory, shared::watch), Status::Failure);
    let mut short = vec![0; 100];
    let mut one = host(vec![(scenes()[0].clone(), None)]);
    assert_eq!(shared::run(&mut one, &mut short, shared::watch), Status::Failure);
}
