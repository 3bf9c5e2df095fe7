//! One line on standard error that names what is being waited for.

use super::Palette;
use super::table::cut;
use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shorter waits are over before a line could be read.
const FIRST_LINE_AFTER: Duration = Duration::from_millis(250);
const TERMINAL_INTERVAL: Duration = Duration::from_millis(100);
/// Between two plain lines, where nobody watches.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// A wait with a name. The line disappears when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    running: Option<(Sender<String>, JoinHandle<()>)>,
}

impl Progress {
    pub(super) fn start(waiting_for: String, palette: Palette, quiet: bool) -> Self {
        if quiet {
            return Self { running: None };
        }
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || show(waiting_for, &receiver, &palette));
        Self {
            running: Some((sender, thread)),
        }
    }

    /// Changes what is said to be waited for.
    pub(crate) fn say(&self, waiting_for: impl Into<String>) {
        if let Some((sender, _)) = &self.running {
            // The thread ends only after this sender is gone.
            let _ = sender.send(waiting_for.into());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.running.take() {
            drop(sender);
            // A panic in the thread costs a line of progress, nothing else.
            let _ = thread.join();
        }
    }
}

fn show(mut waiting_for: String, changes: &Receiver<String>, palette: &Palette) {
    let start = Instant::now();
    let mut next = FIRST_LINE_AFTER;
    let mut shown = false;
    loop {
        match changes.recv_timeout(next.saturating_sub(start.elapsed())) {
            Ok(text) => waiting_for = text,
            Err(RecvTimeoutError::Timeout) => {
                write_line(&waiting_for, start.elapsed(), palette);
                shown = true;
                next = start.elapsed()
                    + if palette.is_terminal() {
                        TERMINAL_INTERVAL
                    } else {
                        PLAIN_INTERVAL
                    };
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if shown && palette.is_terminal() {
        let _ = write!(std::io::stderr().lock(), "\r\x1b[2K");
    } else if shown {
        let line = format!(
            "{waiting_for} (over after {:.1} s)",
            start.elapsed().as_secs_f64()
        );
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

fn write_line(waiting_for: &str, elapsed: Duration, palette: &Palette) {
    let mut line = format!("{waiting_for} ({:.1} s)", elapsed.as_secs_f64());
    if palette.is_terminal()
        && let Some((width, _)) = terminal_size::terminal_size_of(std::io::stderr())
    {
        // A line that wraps could not be written over.
        line = cut(
            &line,
            usize::from(width.0).saturating_sub(1),
            palette.ellipsis(),
        );
    }
    let mut stderr = std::io::stderr().lock();
    // Nothing useful can be done when standard error is gone.
    let _ = if palette.is_terminal() {
        write!(stderr, "\r\x1b[2K{}", palette.dim(&line)).and_then(|()| stderr.flush())
    } else {
        writeln!(stderr, "{line}")
    };
}
