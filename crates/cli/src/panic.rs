//! A defect of this program, in the shape of every other failure.

use crate::failure::Failure;
use crate::output::Output;
use crate::schema;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};

thread_local! {
    /// What broke off on this thread, where [`guarded`] waits for it; empty as long as nothing has.
    static BROKEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a command; a panic in it becomes a report and its exit code. Panics of other threads are shown as usual.
pub(crate) fn guarded(output: &Output, command: impl FnOnce() -> u8) -> u8 {
    let usual = take_hook();
    set_hook(Box::new(move |info| {
        if !taken(info) {
            usual(info);
        }
    }));
    BROKEN.set(Some(String::new()));
    // Nothing that the command worked on is looked at afterwards but the output, which holds whole lines only.
    let ended = catch_unwind(AssertUnwindSafe(command));
    let broken = BROKEN.take();
    ended.unwrap_or_else(|_| {
        let failure = Failure::internal(
            "weir broke off: this is a defect of it",
            broken.unwrap_or_default(),
        )
        .fix("run it again with -v, and report what it prints");
        output.finish(schema::USAGE, Err(failure))
    })
}

fn taken(info: &PanicHookInfo<'_>) -> bool {
    BROKEN.with_borrow_mut(|broken| {
        let Some(broken) = broken else {
            return false;
        };
        let what = info.payload_as_str().unwrap_or("a panic without a text");
        *broken = match info.location() {
            Some(place) => format!("{what}\nat {place}"),
            None => what.to_owned(),
        };
        true
    })
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use crate::output::{ColorChoice, Format, Output};

    #[test]
    fn a_command_that_breaks_off_exits_1() {
        let output = Output::new(Format::Table, ColorChoice::Never, true, 0);
        assert_eq!(guarded(&output, || panic!("a defect")), 1);
        assert_eq!(guarded(&output, || 7), 7);
    }
}
