//! Compiling what strangers send, in a process of its own.
//!
//! A compiler is large, its input hostile, and nothing can interrupt it. A
//! [`CompilerProcess`] has bounds of memory and time; when it reaches one or
//! crashes, the component is refused and the node goes on.
//!
//! The node writes the bounds of memory and of processor time (8 bytes each,
//! big-endian), a byte that says for which [`Execution`], and the component to
//! the worker's standard input and closes it. The worker answers on its
//! standard output with one frame: [`MAGIC`], what identifies its engine (32
//! bytes), a tag (0: code, 1: why not, as text), the BLAKE3 hash of what
//! follows (32 bytes), and that up to the end.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use wasmtime::Engine;

use crate::error::Error;
use crate::execution::Execution;
use crate::profile::Profile;
use crate::runtime::engine_hash;

/// A program that compiles components: one that calls [`compile_worker`], of
/// the same build as this crate.
#[derive(Debug, Clone)]
pub struct CompilerProcess {
    /// The program. It gets no environment.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The most bytes of memory that it may have, where the system can bound
    /// that (Linux). Beyond it the component is refused with
    /// [`Error::CompilerStopped`].
    pub memory_bytes: u64,
    /// Seconds of processor time that it may take, on all cores together, where
    /// the system can bound that (Unix). Beyond it the component is refused with
    /// [`Error::TooCostly`]. Unlike the clock on the wall, this does not depend on
    /// what else the machine does.
    pub cpu_s: u64,
    /// Milliseconds after which it is killed whatever it did, in the same way.
    pub wall_ms: u64,
}

const MAGIC: &[u8; 8] = b"weir-cc1";
const HASH_BYTES: usize = 32;
const CODE: u8 = 0;
const REFUSED: u8 = 1;

/// The work of a [`CompilerProcess`]: reads a component and writes its code.
///
/// Bounds the memory of the whole process first. Fails only if input, output
/// or the engine do; a component that cannot be compiled is an answer.
pub fn compile_worker(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut bounds = [[0; 8]; 2];
    for bound in &mut bounds {
        input.read_exact(bound)?;
    }
    let [memory_bytes, cpu_s] = bounds.map(u64::from_be_bytes);
    // Counts what can be written to, not address space, of which an engine reserves much.
    bound(Resource::Data, memory_bytes, memory_bytes)?;
    // Beyond the first one the process gets a signal that says why, beyond the second one it is killed.
    bound(Resource::Cpu, cpu_s, cpu_s.saturating_add(1))?;
    // Nobody needs an image of the memory of a crashed compiler.
    bound(Resource::Core, 0, 0)?;
    let mut execution = [0];
    input.read_exact(&mut execution)?;
    let [execution] = execution;
    let execution = Execution::of_code(execution)
        .ok_or_else(|| io::Error::other("the code is for an execution that this build lacks"))?;
    let mut component = Vec::new();
    input.read_to_end(&mut component)?;
    let config = Profile::Det1.compiler_config(execution);
    let engine = config
        .and_then(|config| Engine::new(&config))
        .map_err(io::Error::other)?;
    let (tag, content) = match engine.precompile_component(&component) {
        Ok(code) => (CODE, code),
        Err(error) => (REFUSED, format!("{error:#}").into_bytes()),
    };
    output.write_all(MAGIC)?;
    output.write_all(&engine_hash(&engine))?;
    output.write_all(&[tag])?;
    output.write_all(blake3::hash(&content).as_bytes())?;
    output.write_all(&content)?;
    output.flush()
}

fn bound(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(current),
        maximum: Some(maximum),
    };
    Ok(setrlimit(resource, limit)?)
}

/// A child that does not outlive the wait for it.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl CompilerProcess {
    /// The compiled code, written by a child of this process with the engine of that identity. Blocks.
    pub(crate) fn compile(
        &self,
        component: &[u8],
        execution: Execution,
        engine_hash: &[u8; 32],
    ) -> Result<Vec<u8>, Error> {
        let unable = |error: io::Error| Error::Exhausted {
            what: "processes",
            detail: format!(
                "cannot run the compiler {}: {error}",
                self.program.display()
            ),
        };
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(unable)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let worker = Worker(child);
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(unable(io::ErrorKind::BrokenPipe.into()));
        };
        let (sender, receiver) = sync_channel(1);
        let answer = thread::scope(|scope| {
            // Ends before the threads are waited for: it unblocks them.
            let mut worker = worker;
            thread::Builder::new().spawn_scoped(scope, move || {
                // If this fails, the worker is gone, and how it ended says why.
                let _ = stdin
                    .write_all(&self.memory_bytes.to_be_bytes())
                    .and_then(|()| stdin.write_all(&self.cpu_s.to_be_bytes()))
                    .and_then(|()| stdin.write_all(&[execution.code()]))
                    .and_then(|()| stdin.write_all(component));
            })?;
            thread::Builder::new().spawn_scoped(scope, move || {
                let mut answer = Vec::new();
                let bytes_max = self.memory_bytes;
                let read = stdout.take(bytes_max).read_to_end(&mut answer);
                let _ = sender.send(read.map(|_| answer));
            })?;
            match receiver.recv_timeout(Duration::from_millis(self.wall_ms)) {
                Ok(answer) => {
                    // It has closed its output: it ends now, or is to.
                    Ok(Some((answer?, worker.0.wait()?)))
                }
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::BrokenPipe.into()),
            }
        })
        .map_err(unable)?;
        let Some((answer, status)) = answer else {
            return Err(Error::TooCostly {
                limit_ms: self.wall_ms,
            });
        };
        if ran_out_of_time(status) {
            return Err(Error::TooCostly {
                limit_ms: self.cpu_s.saturating_mul(1_000),
            });
        }
        if was_killed(status) {
            return Err(Error::Exhausted {
                what: "memory",
                detail: "something on this machine killed the compiler".to_owned(),
            });
        }
        let stopped = || Error::CompilerStopped {
            memory_bytes: self.memory_bytes,
            detail: status.to_string(),
        };
        let (engine, tag, content) = open(&answer).ok_or_else(stopped)?;
        if engine != engine_hash {
            return Err(Error::Engine {
                detail: "the compiler is of another build than this process: start it anew"
                    .to_owned(),
            });
        }
        match tag {
            CODE => Ok(content.to_vec()),
            REFUSED => Err(Error::InvalidComponent {
                detail: String::from_utf8_lossy(content).into_owned(),
            }),
            _ => Err(stopped()),
        }
    }
}

/// Whether the system ended a process because of its processor time.
#[cfg(unix)]
fn ran_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(rustix::process::Signal::XCPU.as_raw())
}

/// Whether a process was killed from outside, as the system does with the largest one when its memory is used up. The
/// bounds of a compiler end it otherwise: without memory it gives up by itself.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(rustix::process::Signal::KILL.as_raw())
}

#[cfg(not(unix))]
fn was_killed(_status: ExitStatus) -> bool {
    false
}

#[cfg(not(unix))]
fn ran_out_of_time(_status: ExitStatus) -> bool {
    false
}

/// Engine, tag and content of a whole frame.
fn open(frame: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let rest = frame.strip_prefix(MAGIC)?;
    let (engine, rest) = rest.split_at_checked(HASH_BYTES)?;
    let (&tag, rest) = rest.split_first()?;
    let (hash, content) = rest.split_at_checked(HASH_BYTES)?;
    (blake3::hash(content).as_bytes() == hash).then_some((engine, tag, content))
}
