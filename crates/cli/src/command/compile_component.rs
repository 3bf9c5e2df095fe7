//! `weir compile-component`: the process in which `weir up` compiles what it is sent. Not for people.

use crate::exit::Exit;
use std::ffi::OsString;
use weir_marine::CompilerProcess;

const NAME: &str = "compile-component";

/// The most bytes of memory that compiling one component may take.
const MEMORY_BYTES: u64 = 2 << 30;

/// The most seconds of processor time that it may take.
const CPU_S: u64 = 60;

/// The most milliseconds that it may take, on a machine that has much else to do.
const WALL_MS: u64 = 600_000;

/// Reads a component from standard input and writes its code to standard output. Nobody reads what it would say
/// about a failure: the process that started it judges by how it ends.
pub(super) fn run() -> u8 {
    match weir_marine::compile_worker(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => 0,
        Err(_) => Exit::Internal.number(),
    }
}

/// This program in that role; none if the system does not say where it is.
pub(super) fn process() -> Option<CompilerProcess> {
    Some(CompilerProcess {
        program: std::env::current_exe().ok()?,
        args: vec![OsString::from(NAME)],
        memory_bytes: MEMORY_BYTES,
        cpu_s: CPU_S,
        wall_ms: WALL_MS,
    })
}
