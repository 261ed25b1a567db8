//! Cameras on a bus and a port of the host, whose time passes where the test
//! says.

mod bus;
mod port;
#[path = "../../../shared/tests/silent_log/mod.rs"]
mod silent_log;

use std::rc::Rc;

use bus::{Chip, NoDelay};
use lcl_infer::ImageSize;
use port::{Clock, RING_LEN, Scripted, Sent};
use sensor::{Camera, CameraError, Frames, Hm01b0, Ov7670, Sensor, TestPicture};
use shared::{Arrival, CameraRequest, Loss};

const BUS: &str = "the bus";
const DATA: &str = "the data";

/// Side of the images: three of the sensor's pixels each.
const SIDE: usize = 96;

/// Lines of the sensor.
const LINES: usize = 324;

/// What is asked of a camera by images of that side.
fn images(side: usize) -> CameraRequest {
    CameraRequest { side, count: None, has_test_picture: false, drives_clock: false }
}

type Grey = Camera<Hm01b0<Chip>, Scripted>;

/// Starts a camera that sends these frames.
fn grey(clock: &Rc<Clock>, frames: Vec<Sent>) -> Grey {
    let sensor = Hm01b0::new(Chip::hm01b0(clock), BUS);
    let port = Scripted::new(clock, frames);
    Camera::start(sensor, port, images(SIDE), &mut NoDelay, DATA).expect("it answers")
}

/// Takes a frame, with `work` ticks of something else after each row, and returns
/// its rows, or how many came before it was lost.
fn take(camera: &mut Grey, clock: &Clock, work: usize) -> Result<Vec<Vec<u8>>, (usize, Loss)> {
    camera.wait_frame().expect("a frame comes");
    let mut rows = Vec::new();
    for y in 0..SIDE {
        let mut row = vec![0; SIDE];
        match camera.wait_row(&mut row).expect("the camera goes on") {
            Arrival::Row => rows.push(row),
            Arrival::Lost(loss) => return Err((y, loss)),
        }
        clock.pass(work);
    }
    Ok(rows)
}

/// Returns the rows of a frame: means of three by three of the middle 288 of 324.
fn expected(frame: usize) -> Vec<Vec<u8>> {
    let pixel = |y: usize, x: usize| {
        let nine = (0..9).map(|at| port::pixel(frame, 18 + 3 * y + at / 3, 18 + 3 * x + at % 3));
        let sum: u32 = nine.map(u32::from).sum();
        u8::try_from((2 * sum + 9) / 18).expect("a mean of bytes is one")
    };
    (0..SIDE).map(|y| (0..SIDE).map(|x| pixel(y, x)).collect()).collect()
}

#[test]
fn whole_frames_arrive_row_by_row() {
    let clock = Clock::new();
    let mut camera = grey(&clock, vec![Sent::whole(0), Sent::whole(1)]);
    assert_eq!(camera.size(), ImageSize::square(SIDE));
    for frame in 0..2 {
        assert_eq!(take(&mut camera, &clock, 0), Ok(expected(frame)));
    }
}

#[test]
fn colour_has_the_middle_of_its_lines() {
    let clock = Clock::new();
    let sensor = Ov7670::new(Chip::ov7670(&clock), BUS);
    let port = Scripted::new(&clock, vec![Sent { lines: (0..480).collect(), ..Sent::whole(7) }]);
    let port = port.with_lines_of(1280);
    let mut camera =
        Camera::start(sensor, port, images(240), &mut NoDelay, DATA).expect("it answers");
    camera.wait_frame().expect("a frame comes");
    for y in 0..240 {
        let mut row = [0; 480];
        assert_eq!(camera.wait_row(&mut row), Ok(Arrival::Row));
        // Two lines of the sensor, and luma at every other byte from 80 pixels on.
        let luma = |y, x| u32::from(port::pixel(7, y, 2 * (80 + x)));
        for x in 0..240 {
            let sum: u32 = [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(dy, dx)| luma(2 * y + dy, 2 * x + dx))
                .iter()
                .sum();
            assert_eq!(u32::from(row[2 * x]), (sum + 2) / 4, "row {y}, column {x}");
        }
    }
}

#[test]
fn a_line_lost_anywhere_loses_the_frame_and_no_other() {
    // The first and last line are no part of the square.
    for lost in [0, 17, 18, 160, 305, 306, LINES - 1] {
        let clock = Clock::new();
        let mut camera = grey(&clock, vec![Sent::whole(0), Sent::without(1, lost), Sent::whole(2)]);
        assert_eq!(take(&mut camera, &clock, 0), Ok(expected(0)));
        let got = take(&mut camera, &clock, 0);
        assert_eq!(got, Err((SIDE - 1, Loss::EndedEarly)), "line {lost}");
        assert_eq!(take(&mut camera, &clock, 0), Ok(expected(2)), "line {lost}");
    }
}

#[test]
fn a_frame_that_ends_early_is_lost_where_it_ends() {
    let clock = Clock::new();
    // The first line of row 40 is the last that comes.
    let lines = (0..=18 + 3 * 40).collect();
    let mut camera = grey(&clock, vec![Sent { lines, ..Sent::whole(0) }, Sent::whole(1)]);
    assert_eq!(take(&mut camera, &clock, 0), Err((40, Loss::EndedEarly)));
    assert_eq!(take(&mut camera, &clock, 0), Ok(expected(1)));
}

#[test]
fn a_frame_with_a_line_too_many_is_lost() {
    let clock = Clock::new();
    let lines = (0..=LINES).collect();
    let mut camera = grey(&clock, vec![Sent { lines, ..Sent::whole(0) }, Sent::whole(1)]);
    assert_eq!(take(&mut camera, &clock, 0), Err((SIDE - 1, Loss::TooLong)));
    assert_eq!(take(&mut camera, &clock, 0), Ok(expected(1)));
}

#[test]
fn what_the_chip_lost_loses_the_frame() {
    let clock = Clock::new();
    let overrun = Sent { overrun_at: Some(100 * LINES), ..Sent::whole(0) };
    let mut camera = grey(&clock, vec![overrun, Sent::whole(1)]);
    let Err((row, Loss::Overrun)) = take(&mut camera, &clock, 0) else { panic!("it is lost") };
    assert!((20..SIDE).contains(&row), "{row}");
    assert_eq!(take(&mut camera, &clock, 0), Ok(expected(1)));
}

#[test]
fn two_frames_that_overtake_the_consumer_lose_the_one_it_is_at() {
    let clock = Clock::new();
    for goes_on in [false, true] {
        let first = Sent { goes_on, ..Sent::whole(0) };
        let mut camera = grey(&clock, vec![first, Sent::whole(1), Sent::whole(2)]);
        camera.wait_frame().expect("a frame comes");
        let mut row = [0; SIDE];
        assert_eq!(camera.wait_row(&mut row), Ok(Arrival::Row));
        clock.pass(2 * LINES * clock.line_ticks() + RING_LEN);
        let Ok(Arrival::Lost(loss)) = camera.wait_row(&mut row) else { panic!("it is lost") };
        let expected = if goes_on { Loss::TooLong } else { Loss::Overrun };
        assert_eq!(loss, expected);
        assert!(take(&mut camera, &clock, 0).is_ok());
    }
}

#[test]
fn a_consumer_that_is_slower_than_its_ring_slows_the_camera() {
    let clock = Clock::new();
    let mut camera = grey(&clock, (0..8).map(Sent::whole).collect());
    let before = clock.line_ticks();
    // A row has three lines, and the consumer takes the time of ten.
    let work = 10 * before;
    let got: Vec<_> = (0..8).map(|_| take(&mut camera, &clock, work)).collect();
    let lost = got.iter().filter(|got| got.is_err()).count();
    assert!(matches!(got[0], Err((_, Loss::Overrun))), "{:?}", got[0]);
    assert_eq!(clock.line_ticks(), before << lost);
    assert_eq!(lost, 2, "twice as long is too fast still, four times is not");
    for (frame, rows) in got.into_iter().enumerate().skip(lost) {
        assert_eq!(rows, Ok(expected(frame)));
    }
}

#[test]
fn a_host_that_was_late_once_costs_one_frame() {
    let clock = Clock::new();
    let mut camera = grey(&clock, (0..99).map(Sent::whole).collect());
    let before = clock.line_ticks();
    let mut works = vec![0; 3];
    works.extend([10 * before, 0, 0, 10 * before, 10 * before]);
    works.extend([0; 32]);
    let lost = works.iter().filter(|&&work| take(&mut camera, &clock, work).is_err()).count();
    assert_eq!(lost, 3);
    // Two in a row slowed it, and after 32 whole frames it is as fast as before.
    assert_eq!(clock.line_ticks(), before);
    take(&mut camera, &clock, 0).expect("it is whole");
}

#[test]
fn a_line_of_another_length_loses_the_frame_and_slows_nothing() {
    let clock = Clock::new();
    let slipped = Sent { slips_at: Some(100 * LINES), ..Sent::whole(0) };
    let mut camera = grey(&clock, vec![slipped.clone(), slipped, Sent::whole(1)]);
    for _ in 0..2 {
        let Err((_, Loss::Slipped)) = take(&mut camera, &clock, 0) else { panic!("it is lost") };
    }
    assert_eq!(clock.line_ticks(), 376);
    assert_eq!(take(&mut camera, &clock, 0), Ok(expected(1)));
}

#[test]
fn the_test_picture_is_looked_at_first_and_then_switched_off() {
    fn walking(at: usize) -> u8 {
        [1, 2, 4, 8, 16, 32, 64, 128, 0][at % 9]
    }
    fn turned(at: usize) -> u8 {
        walking(at).reverse_bits()
    }
    let start = |picture: fn(usize) -> u8| {
        let clock = Clock::new();
        let chip = Chip::hm01b0(&clock);
        let registers = chip.registers();
        let sent = Sent { picture: Some(picture), ..Sent::whole(0) };
        let port = Scripted::new(&clock, vec![sent, Sent::whole(1)]);
        let request = CameraRequest { has_test_picture: true, ..images(SIDE) };
        let sensor = Hm01b0::new(chip, BUS);
        let camera = Camera::start(sensor, port, request, &mut NoDelay, DATA);
        let shown = registers.borrow().get(&0x0601).copied();
        (camera.map(|mut camera| take(&mut camera, &clock, 0)), shown)
    };
    assert_eq!(start(walking), (Ok(Ok(expected(1))), Some(0)));
    let error = CameraError::TestPicture(TestPicture::TurnedRound);
    assert_eq!(start(turned), (Err(error), Some(0x11)));
}

#[test]
fn a_ring_that_comes_round_while_a_line_is_read_loses_it() {
    let clock = Clock::new();
    // The last line of row 0, while 19.3 of the ring's 20 come: over it, and not
    // yet over the next.
    let ticks = 193 * clock.line_ticks() / 10;
    let slow = Sent { slow_copy: Some((20, ticks)), ..Sent::whole(0) };
    let mut camera = grey(&clock, vec![slow]);
    assert_eq!(take(&mut camera, &clock, 0), Err((0, Loss::Overrun)));
}

#[test]
fn a_camera_that_goes_silent_is_an_error() {
    let silent = Some(CameraError::Silent { wiring: DATA });
    let clock = Clock::new();
    let mut none = grey(&clock, Vec::new());
    assert_eq!(none.wait_frame().err(), silent);
    // Its frame never ends.
    let lines = (0..200).collect();
    let stuck = Sent { lines, is_stuck: true, ..Sent::whole(0) };
    let mut camera = grey(&clock, vec![stuck]);
    camera.wait_frame().expect("it begins");
    let mut row = [0; SIDE];
    let mut wait = || camera.wait_row(&mut row);
    let arrived = std::iter::repeat_with(&mut wait).take_while(|got| *got == Ok(Arrival::Row));
    assert_eq!(arrived.count(), (200 - 18) / 3);
    assert_eq!(wait().err(), silent);
}

#[test]
fn a_chip_that_does_not_answer_is_said_with_its_wiring() {
    let clock = Clock::new();
    let mut hm01b0 = Hm01b0::new(Chip::hm01b0(&clock).silent(), BUS);
    let expected = Err(CameraError::NoAnswer { address: 0x24, wiring: BUS });
    assert_eq!(hm01b0.start(&mut NoDelay), expected);
    let mut ov7670 = Ov7670::new(Chip::ov7670(&clock).silent(), BUS);
    let expected = Err(CameraError::NoAnswer { address: 0x21, wiring: BUS });
    assert_eq!(ov7670.start(&mut NoDelay), expected);
    // One whose clock has just come is asked again.
    let mut late = Ov7670::new(Chip::ov7670(&clock).asleep(20), BUS);
    assert_eq!(late.start(&mut NoDelay), Ok(()));
    // The other chip has another address.
    let mut other = Ov7670::new(Chip::hm01b0(&clock), BUS);
    assert_eq!(other.start(&mut NoDelay), expected);
}

#[test]
fn another_chip_is_said() {
    let clock = Clock::new();
    let mut newer = Ov7670::new(Chip::ov7670(&clock).with(0x0b, 0x21), BUS);
    let expected = Err(CameraError::OtherChip { expected: 0x7673, got: 0x7621 });
    assert_eq!(newer.start(&mut NoDelay), expected);
    let mut other = Hm01b0::new(Chip::hm01b0(&clock).with(0, 0x03), BUS);
    let expected = Err(CameraError::OtherChip { expected: 0x01b0, got: 0x03b0 });
    assert_eq!(other.start(&mut NoDelay), expected);
}

#[test]
fn a_chip_that_stops_to_answer_is_said_with_its_register() {
    let clock = Clock::new();
    // Two registers are read with two transfers each, and COM7 is written.
    let mut ov7670 = Ov7670::new(Chip::ov7670(&clock).answering(5), BUS);
    let expected = Err(CameraError::Refused { register: 0x12 });
    assert_eq!(ov7670.start(&mut NoDelay), expected);
    // It never leaves its reset.
    let mut hm01b0 = Hm01b0::new(Chip::hm01b0(&clock).stuck_at(0x0100, 1), BUS);
    let expected = Err(CameraError::Refused { register: 0x0103 });
    assert_eq!(hm01b0.start(&mut NoDelay), expected);
}

#[test]
fn registers_have_what_the_image_needs() {
    let clock = Clock::new();
    let chip = Chip::ov7670(&clock);
    let registers = chip.registers();
    let mut sensor = Ov7670::new(chip, BUS);
    sensor.start(&mut NoDelay).expect("it answers");
    // VGA in YUV; YUYV; bytes from 0 to 255; the clock undivided.
    let expected = [(0x12, 0x00), (0x3a, 0x04), (0x40, 0xc0), (0x11, 0x80), (0x3d, 0xc0)];
    // The window that public drivers write.
    let window =
        [(0x17, 0x13), (0x18, 0x01), (0x32, 0xb6), (0x19, 0x02), (0x1a, 0x7a), (0x03, 0x0a)];
    for (register, value) in expected.into_iter().chain(window) {
        assert_eq!(registers.borrow()[&register], value, "register {register:#x}");
    }
    for divider in [2, 4, 8, 16, 32] {
        assert_eq!(sensor.slow_down(), Ok(true));
        assert_eq!(registers.borrow()[&0x11], 0x80 | (divider - 1));
    }
    assert_eq!(sensor.slow_down(), Ok(false));
    for divider in [16, 8, 4, 2, 1] {
        assert_eq!(sensor.speed_up(), Ok(true));
        assert_eq!(registers.borrow()[&0x11], 0x80 | (divider - 1));
    }
    assert_eq!(sensor.speed_up(), Ok(false));
}

#[test]
fn grey_comes_on_one_line_and_slows_down_to_a_64th() {
    let clock = Clock::new();
    let chip = Chip::hm01b0(&clock);
    let registers = chip.registers();
    let mut sensor = Hm01b0::new(chip, BUS);
    sensor.start(&mut NoDelay).expect("it answers");
    // Streaming; all lines; 344 of them with the gap; one line of data at the clock,
    // which rests between lines.
    let expected =
        [(0x0100, 1), (0x3010, 0), (0x0340, 1), (0x0341, 88), (0x3059, 0x22), (0x3060, 0x28)];
    // Lines without bytes before them, no trigger, the clock of MCLK, its rising edge.
    let relied_on = [(0x1012, 0), (0x3064, 0), (0x3067, 0), (0x3068, 0x20)];
    let expected = expected.into_iter().chain(relied_on);
    for (register, value) in expected {
        assert_eq!(registers.borrow()[&register], value, "register {register:#x}");
    }
    let slowed = (0..99).take_while(|_| sensor.slow_down() == Ok(true)).count();
    assert_eq!((slowed, clock.line_ticks()), (6, 64 * 376));
    let sped_up = (0..99).take_while(|_| sensor.speed_up() == Ok(true)).count();
    assert_eq!((sped_up, clock.line_ticks()), (6, 376));
}
