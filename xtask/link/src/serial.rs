//! A serial port, which log and features share.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context, Result, bail};

use crate::Ended;
use crate::records::{Part, Records};

/// A USB serial port has no speed, and its driver wants one.
const BAUD: u32 = 115_200;

/// How long a read waits.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long nothing may come until that is said, and until it is given up: the slowest
/// image, of 224 pixels, takes some ten seconds.
const SILENCE: Duration = Duration::from_secs(30);
const MOST_SILENCE: Duration = Duration::from_secs(300);

/// Carries bytes until the board's program ends.
pub fn run(
    port: &str,
    frames: &[u8],
    rows: &mut impl Write,
    log: &mut impl Write,
) -> Result<Ended> {
    let open = serialport::new(port, BAUD).timeout(PATIENCE).open();
    let mut input = open.with_context(|| format!("cannot open {port}: is the board connected?"))?;
    let mut output = input.try_clone().with_context(|| format!("cannot write to {port}"))?;
    let frames = frames.to_vec();
    // The board takes images as fast as it computes; its answers come
    // meanwhile.
    let mut sender = Some(thread::spawn(move || send(&mut *output, &frames)));
    let mut records = Records::default();
    let mut bytes = [0; 4096];
    let mut silence = Silence::default();
    loop {
        let count = match input.read(&mut bytes) {
            Ok(0) => bail!("{port} has closed: was the board unplugged?"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::TimedOut => 0,
            Err(error) => return Err(error).with_context(|| format!("cannot read from {port}")),
        };
        silence.heard(count > 0, port)?;
        for part in records.take(&bytes[..count]) {
            match part {
                Part::Log(bytes) => log.write_all(&bytes),
                Part::Row(bytes) => rows.write_all(&bytes),
            }
            .context("cannot write what the board sent")?;
        }
        log.flush().context("cannot write the log")?;
        if let Some(ended) = records.has_ended() {
            return Ok(ended);
        }
        if sender.as_ref().is_some_and(thread::JoinHandle::is_finished) {
            let sent = sender.take().and_then(|sender| sender.join().ok()).unwrap_or(Ok(()));
            sent.with_context(|| format!("cannot send images to {port}"))?;
        }
    }
}

/// Since when the board says nothing.
#[derive(Debug)]
struct Silence {
    since: Instant,
    is_said: bool,
}

impl Default for Silence {
    fn default() -> Self {
        Self { since: Instant::now(), is_said: false }
    }
}

impl Silence {
    /// Takes note of whether something came, and says once that nothing does.
    fn heard(&mut self, something: bool, port: &str) -> Result<()> {
        if something {
            *self = Self::default();
            return Ok(());
        }
        let (seconds, most) = (SILENCE.as_secs(), MOST_SILENCE.as_secs());
        if self.since.elapsed() >= MOST_SILENCE {
            bail!(
                "nothing has come from {port} for {most} seconds, and the program has not said that it \
                 ended: reset the board and try again"
            );
        }
        if self.since.elapsed() >= SILENCE && !self.is_said {
            self.is_said = true;
            writeln!(
                io::stderr(),
                "nothing has come from {port} for {seconds} seconds: waiting for {most} in all"
            )
            .ok();
        }
        Ok(())
    }
}

/// Sends all bytes, however long the board makes them wait.
fn send(output: &mut dyn Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
    }
    output.flush()
}
