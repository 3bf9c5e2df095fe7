//! Notes for whoever runs the service. They are bounded and are no part of what a call gives.
//!
//! The macros of this crate, [`error!`](crate::error!) to [`trace!`](crate::trace!), format like `println!`. With the
//! feature `log`, `install` sends the records of the crate `log` here, also those of libraries.

use crate::host;

pub use crate::bindings::weir::host::log::Level;

/// Writes one note.
pub fn write(level: Level, text: &str) {
    host::log::write(level, text);
}

/// A note that something went wrong.
#[macro_export]
macro_rules! error {
    ($($text:tt)*) => { $crate::log::write($crate::log::Level::Error, &::std::format!($($text)*)) };
}

/// A note that something may go wrong.
#[macro_export]
macro_rules! warn {
    ($($text:tt)*) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($text)*)) };
}

/// A note of what happens.
#[macro_export]
macro_rules! info {
    ($($text:tt)*) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($text)*)) };
}

/// A note for whoever looks for a mistake.
#[macro_export]
macro_rules! debug {
    ($($text:tt)*) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($text)*)) };
}

/// A note of every step.
#[macro_export]
macro_rules! trace {
    ($($text:tt)*) => { $crate::log::write($crate::log::Level::Trace, &::std::format!($($text)*)) };
}

/// Sends the records of the crate `log` to the host. Call it at the beginning of each exported function: a call has an
/// instance of its own. Doing it twice does no harm.
#[cfg(feature = "log")]
pub fn install(level: ::log::LevelFilter) {
    struct Facade;

    impl ::log::Log for Facade {
        fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &::log::Record<'_>) {
            let level = match record.level() {
                ::log::Level::Error => Level::Error,
                ::log::Level::Warn => Level::Warn,
                ::log::Level::Info => Level::Info,
                ::log::Level::Debug => Level::Debug,
                ::log::Level::Trace => Level::Trace,
            };
            write(level, &format!("{}: {}", record.target(), record.args()));
        }

        fn flush(&self) {}
    }

    // It fails where a logger is there already, which then is this one.
    let _ = ::log::set_logger(&Facade);
    ::log::set_max_level(level);
}
