//! The board that every real machine is, and what one adds to it.

use core::marker::PhantomData;

use lcl_infer::{FeatureRow, ImageSize, InputFormat, PixelFormat};
use sensor::{CameraError, Frames, Quota};
use shared::{Arrival, Board, Camera, CameraRequest, Link, Meter, Program, Ratio, Request, Stream};

use crate::{Error, arch, stop};

/// What sets one real board apart.
pub trait Machine {
    /// Name, as in `cargo xtask flash --board NAME`.
    const NAME: &'static str;

    /// Widest image that its memory is laid out for.
    const MAX_WIDTH: usize;

    /// Clock of the core once started, in hertz.
    const CLOCK_HZ: u32;

    /// What carries images and features.
    type Link: Link;

    /// The board's camera, or [`sensor::NoCamera`].
    type Camera: Frames;

    /// What the camera is made of.
    type Peripherals;

    /// Starts clocks and caches, maps the model partition where it is not
    /// mapped from reset, and opens the link. It is called once, before
    /// anything is logged.
    fn start() -> (Self::Link, Self::Peripherals);

    /// Starts the camera, for images as the host has asked for them.
    ///
    /// # Errors
    ///
    /// Returns an error where there is none, it does not answer, or it has no
    /// such images.
    fn camera(_: Self::Peripherals, _: CameraRequest) -> Result<Self::Camera, CameraError> {
        Err(CameraError::NoCamera)
    }
}

/// A [`Machine`] with images and features on a link.
pub struct Physical<M: Machine> {
    stream: Stream<M::Link>,
    /// Until the camera is started.
    peripherals: Option<M::Peripherals>,
    source: Source<M::Camera>,
    machine: PhantomData<M>,
}

/// Where [`Camera`] has its frames from.
enum Source<C> {
    /// The host, which has them play the camera, or has said nothing yet.
    Host,
    /// The board's own camera.
    Camera {
        camera: C,
        /// Frames that the host wants yet.
        quota: Quota,
        /// Rows of the frame that are to come.
        rows: usize,
    },
}

/// Runs `program` on the machine with `memory` for the front-end, and tells
/// the host its status.
pub fn run<M: Machine>(memory: &mut [u8], program: Program<Physical<M>>) -> ! {
    const HZ_PER_MHZ: u32 = 1_000_000;
    arch::paint_stack();
    let (link, peripherals) = M::start();
    arch::start_cycles();
    defmt::info!("{=str} at {=u32} MHz", M::NAME, M::CLOCK_HZ / HZ_PER_MHZ);
    let mut board = Physical {
        stream: Stream::new(link),
        peripherals: Some(peripherals),
        source: Source::Host,
        machine: PhantomData::<M>,
    };
    stop::exit(shared::run(&mut board, memory, program))
}

impl<M: Machine> Board for Physical<M> {
    const NAME: &'static str = M::NAME;
    const MAX_WIDTH: usize = M::MAX_WIDTH;
    type Error = Error;

    fn model(&self) -> &'static [u8] {
        memory::model()
    }

    fn next_frame(&mut self) -> Result<Option<ImageSize>, Error> {
        Ok(self.stream.next_frame()?)
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), Error> {
        self.stream.read_row(row);
        Ok(())
    }

    fn write_features(&mut self, features: &FeatureRow<'_>) -> Result<(), Error> {
        self.stream.write_features(features);
        Ok(())
    }

    fn send_event(&mut self, event: &[u8]) -> Result<(), Error> {
        self.stream.send_event(event);
        Ok(())
    }
}

/// The board's own camera where the host asks for it. Else images of the host play
/// the camera; they wait for the board, so that none is lost.
impl<M: Machine> Camera for Physical<M> {
    fn pixels(&self, input: InputFormat) -> PixelFormat {
        match &self.source {
            Source::Host => input.into(),
            Source::Camera { camera, .. } => camera.pixels(),
        }
    }

    fn wait_frame(&mut self) -> Result<Option<ImageSize>, Error> {
        if let Source::Host = self.source {
            match self.stream.request()? {
                Request::Image(size) => return Ok(Some(size)),
                Request::End => return Ok(None),
                Request::Camera(request) => {
                    let peripherals = self.peripherals.take().ok_or(CameraError::NoCamera)?;
                    let camera = M::camera(peripherals, request)?;
                    let quota = Quota::new(request.count);
                    self.source = Source::Camera { camera, quota, rows: 0 };
                }
            }
        }
        let Source::Camera { camera, quota, rows } = &mut self.source else { return Ok(None) };
        if quota.is_met() {
            return Ok(None);
        }
        camera.wait_frame()?;
        let size = camera.size();
        *rows = size.height;
        Ok(Some(size))
    }

    fn wait_row(&mut self, row: &mut [u8]) -> Result<Arrival, Error> {
        match &mut self.source {
            Source::Host => {
                self.stream.read_row(row);
                Ok(Arrival::Row)
            }
            Source::Camera { camera, quota, rows } => {
                let arrival = camera.wait_row(row)?;
                *rows = rows.saturating_sub(1);
                match arrival {
                    Arrival::Lost(loss) => quota.lost(loss)?,
                    Arrival::Row if *rows == 0 => quota.whole(),
                    Arrival::Row => {}
                }
                Ok(arrival)
            }
        }
    }
}

impl<M: Machine> Meter for Physical<M> {
    const UNIT: &'static str = "cycles";
    const UNITS_PER_SECOND: u32 = M::CLOCK_HZ;
    const CLOCK: &'static str = "without the wait for rows";

    fn ticks() -> u32 {
        arch::cycles()
    }

    fn calibrate() -> Ratio {
        Ratio::ONE
    }

    fn stack_bytes() -> usize {
        memory::deepest(arch::stack(), arch::STACK_PAINT)
    }

    fn flash_bytes() -> usize {
        arch::flash_bytes()
    }
}
