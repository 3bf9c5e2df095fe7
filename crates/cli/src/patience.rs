//! `--timeout` for work on this machine that knows no end by itself.

use crate::code::Code;
use crate::failure::Failure;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a command may take, if there is a bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(Option<(Duration, Instant)>);

impl Patience {
    /// From now on.
    pub(crate) fn new(timeout: Option<Duration>) -> Self {
        // A time that no clock shows is none.
        let end = timeout.and_then(|timeout| Some((timeout, Instant::now().checked_add(timeout)?)));
        Self(end)
    }

    /// Does the work, and waits no longer than allowed for it. What is given up ends with the process.
    pub(crate) fn wait_for<T: Send + 'static>(
        self,
        what: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let Some((timeout, end)) = self.0 else {
            return Ok(work());
        };
        let (sender, receiver) = channel();
        // Whoever waited may have gone.
        std::thread::spawn(move || drop(sender.send(work())));
        let left = end.saturating_duration_since(Instant::now());
        receiver.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                let timeout = humantime::format_duration(timeout);
                let what = format!("{what} did not finish within --timeout {timeout}");
                Failure::new(Code::TimedOut, what).fix("wait longer")
            }
            RecvTimeoutError::Disconnected => Failure::internal(format!("{what} broke off"), error),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Patience;
    use crate::code::Code;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn work_without_end_is_given_up_by_name() {
        let (never, told) = channel::<()>();
        let patience = Patience::new(Some(Duration::from_millis(1)));
        let failure = patience
            .wait_for("testLoops", move || told.recv())
            .expect_err("nothing is told");
        assert_eq!(failure.code, Code::TimedOut);
        assert_eq!(
            failure.what,
            "testLoops did not finish within --timeout 1ms"
        );
        drop(never);
    }

    #[test]
    fn work_that_ends_gives_what_it_found() {
        for timeout in [None, Some(Duration::from_secs(3600))] {
            let found = Patience::new(timeout).wait_for("it", || 7);
            assert_eq!(found.ok(), Some(7));
        }
    }
}
