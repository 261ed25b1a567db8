//! A serial port, which log and features share.

use std::io::{ErrorKind, Write};
use std::time::Duration;
use std::{io, thread};

use anyhow::{Context, Result, bail};

use crate::Ended;
use crate::records::{Part, Records};

/// A USB serial port has no speed, and its driver wants one.
const BAUD: u32 = 115_200;

/// How long a read waits.
const PATIENCE: Duration = Duration::from_millis(100);

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
    loop {
        let count = match input.read(&mut bytes) {
            Ok(0) => bail!("{port} has closed: was the board unplugged?"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::TimedOut => 0,
            Err(error) => return Err(error).with_context(|| format!("cannot read from {port}")),
        };
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
