//! Programs of the machine that its operator offers to services.
//!
//! The operator says which program it is and what its arguments look like; a guest fills in places of them. There is
//! no shell. A program begins in an empty folder of its own, without environment and without input, and its whole
//! process group ends with the call. It runs as the user of the node and can do whatever that user can: the limits
//! keep it from using up the machine, they do not confine it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use regex_lite::Regex;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use weir_marine::{Fault, ProgramOutput, ProgramRun};

/// The most arguments of a guest.
const ARGUMENTS_MAX: usize = 64;

/// Bounds of the programs of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramLimits {
    /// How long a program may run.
    pub timeout: Duration,
    /// Bytes that are kept of standard output, and as many of standard error. The rest is read and thrown away.
    pub output_bytes: usize,
    /// Bytes of address space of each process; on Linux.
    pub memory_bytes: u64,
    /// Bytes of each file that a process writes; on Linux.
    pub file_bytes: u64,
    /// Programs that run at one time. Further ones wait, within their time.
    pub concurrent: usize,
}

impl Default for ProgramLimits {
    /// 10 s, 1 MiB of each output, 1 GiB of memory, files of 64 MiB, 8 at one time.
    fn default() -> Self {
        ProgramLimits {
            timeout: Duration::from_secs(10),
            output_bytes: 1 << 20,
            memory_bytes: 1 << 30,
            file_bytes: 64 << 20,
            concurrent: 8,
        }
    }
}

/// A program that is offered.
#[derive(Debug, Clone)]
pub struct Program {
    /// The absolute path of its file. With another one no call of it succeeds.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// What a guest gives for the places in them, each exactly once.
    pub parameters: Vec<Parameter>,
}

/// An argument: text with places such as `{0}` for what the guest gives. `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(usize),
}

impl Argument {
    /// Reads the text of an argument of a program with so many parameters, or says what is wrong with it.
    pub fn parse(text: &str, parameters: usize) -> Result<Self, String> {
        let wrong = || {
            format!(
                "the argument `{text}` has a brace that is neither a place such as {{0}} nor doubled"
            )
        };
        let mut pieces = Vec::new();
        let mut fixed = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            fixed.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                fixed.push_str(&rest[..1]);
                rest = after;
                continue;
            }
            let (place, after) = rest
                .strip_prefix('{')
                .and_then(|place| place.split_once('}'))
                .ok_or_else(wrong)?;
            let place: usize = place.parse().map_err(|_| wrong())?;
            if place >= parameters {
                return Err(format!(
                    "the argument `{text}` has the place {{{place}}}, but there are {parameters} parameters"
                ));
            }
            pieces.push(Piece::Text(std::mem::take(&mut fixed)));
            pieces.push(Piece::Place(place));
            rest = after;
        }
        fixed.push_str(rest);
        if fixed.contains('\0') {
            return Err(format!("the argument `{text}` has a zero byte"));
        }
        pieces.push(Piece::Text(fixed));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// Whether the parameter stands in it.
    pub fn uses(&self, parameter: usize) -> bool {
        self.0.contains(&Piece::Place(parameter))
    }

    fn fill(&self, given: &[String]) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Place(number) => given.get(*number).cloned().unwrap_or_default(),
        };
        self.0.iter().map(piece).collect()
    }
}

/// What a guest may give for a place.
#[derive(Debug, Clone)]
pub struct Parameter {
    pattern: Option<Regex>,
    bytes_max: usize,
}

impl Parameter {
    /// The most bytes of a parameter, whatever else is said.
    pub const BYTES_MAX: usize = 64 << 10;

    /// Text of at most so many bytes that matches the regular expression from its beginning to its end. Without one
    /// it may be any text that does not begin with a hyphen and could be taken for an option. Says what is wrong with
    /// the expression.
    pub fn new(pattern: Option<&str>, bytes_max: usize) -> Result<Self, String> {
        let anchored = |pattern: &str| {
            // First alone, so that no bracket in it closes ours.
            Regex::new(pattern)?;
            Regex::new(&format!("^(?:{pattern})$"))
        };
        Ok(Self {
            pattern: pattern
                .map(anchored)
                .transpose()
                .map_err(|error| error.to_string())?,
            bytes_max: bytes_max.min(Self::BYTES_MAX),
        })
    }

    fn accepts(&self, text: &str) -> bool {
        text.len() <= self.bytes_max
            && !text.contains('\0')
            && match &self.pattern {
                Some(pattern) => pattern.is_match(text),
                None => !text.starts_with('-'),
            }
    }
}

/// The programs of a node.
pub(crate) struct Programs {
    limits: ProgramLimits,
    offered: BTreeMap<String, Program>,
    slots: Semaphore,
    /// Where each program gets a folder.
    folder: PathBuf,
}

impl Programs {
    /// Programs work in folders inside of this one, which is emptied: nothing of an earlier process works there.
    pub(crate) fn new(
        folder: PathBuf,
        limits: ProgramLimits,
        offered: BTreeMap<String, Program>,
    ) -> Self {
        if folder.exists()
            && let Err(error) = std::fs::remove_dir_all(&folder)
        {
            tracing::warn!(%error, path = %folder.display(), "cannot empty the folder of programs");
        }
        Programs {
            slots: Semaphore::new(limits.concurrent),
            limits,
            offered,
            folder,
        }
    }

    /// Runs a program to its end, if it is among those that are granted.
    pub(crate) async fn run(
        &self,
        run: ProgramRun,
        granted: &BTreeSet<String>,
    ) -> Result<ProgramOutput, Fault> {
        let name = super::short(&run.name);
        let program = Some(&run.name)
            .filter(|name| granted.contains(*name))
            .and_then(|name| self.offered.get(name))
            .ok_or_else(|| {
                Fault::Denied(format!("program `{name}` is not granted to this service"))
            })?;
        let arguments = program.arguments(&run.arguments)?;
        let work = self.work(program, arguments);
        tokio::time::timeout(self.limits.timeout, work)
            .await
            .map_err(|_| Fault::TimedOut)?
    }

    /// The program with what each of its processes may use. Between fork and exec nothing but unsafe code could set
    /// that, so a shell does it, which then becomes the program.
    #[cfg(target_os = "linux")]
    fn bounded(&self, program: &Path) -> std::io::Result<Command> {
        const SCRIPT: &str = "ulimit -c 0 && ulimit -t \"$1\" && ulimit -f \"$2\" && ulimit -v \"$3\" && \
                              shift 3 && exec /usr/bin/env -i \"$@\"";
        // The shell would tell in words of its own that it is not there.
        std::fs::metadata(program)?;
        let seconds = self.limits.timeout.as_secs() + 1;
        let blocks = self.limits.file_bytes.div_ceil(512);
        let kib = self.limits.memory_bytes.div_ceil(1024);
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT, "sh"])
            .args([seconds, blocks, kib].map(|bound| bound.to_string()));
        if program.as_os_str().as_encoded_bytes().contains(&b'=') {
            // `env` would take it for a variable, and for the program what follows: an argument, which a guest may have
            // filled in. `nice` takes what follows its number for the program, whatever it is called.
            command.args(["nice", "-n", "0"]);
        }
        command.arg(program);
        Ok(command)
    }

    #[cfg(not(target_os = "linux"))]
    fn bounded(&self, program: &Path) -> std::io::Result<Command> {
        Ok(Command::new(program))
    }

    async fn work(
        &self,
        program: &Program,
        arguments: Vec<String>,
    ) -> Result<ProgramOutput, Fault> {
        if !program.path.is_absolute() {
            // It would be looked for where the node runs, and started where the program works or by its mere name.
            let why = "the program cannot be started: its path is not absolute";
            return Err(Fault::Failed(why.to_owned()));
        }
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| Fault::Failed("the node does not work any more".to_owned()))?;
        let failed = |what: &str, error: &std::io::Error| {
            Fault::Failed(format!("the program {what}: {}", error.kind()))
        };
        let folder = std::fs::create_dir_all(&self.folder)
            .and_then(|()| tempfile::tempdir_in(&self.folder))
            .map_err(|error| failed("has no folder to work in", &error))?;
        // Descriptors of the node are closed in the program, as the standard library opens all of them.
        let mut child = self
            .bounded(&program.path)
            .map_err(|error| failed("cannot be started", &error))?
            .args(arguments)
            .env_clear()
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed("cannot be started", &error))?;
        // Dropped before the folder: nobody works in it any more when it is deleted.
        let group = Group::of(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let limit = self.limits.output_bytes;
        let ended = async {
            let status = child.wait().await;
            // What it left running would keep its outputs open.
            drop(group);
            status
        };
        let (status, stdout, stderr) =
            tokio::join!(ended, keep(stdout, limit), keep(stderr, limit));
        let status = status.map_err(|error| failed("cannot be waited for", &error))?;
        let read = |error| failed("cannot be read from", &error);
        let (stdout, more_out) = stdout.map_err(read)?;
        let (stderr, more_err) = stderr.map_err(read)?;
        Ok(ProgramOutput {
            code: code(status),
            stdout,
            stderr,
            truncated: more_out || more_err,
        })
    }
}

impl Program {
    /// The arguments with what the guest gives in its places.
    fn arguments(&self, given: &[String]) -> Result<Vec<String>, Fault> {
        if given.len() != self.parameters.len() || given.len() > ARGUMENTS_MAX {
            return Err(Fault::Invalid(format!(
                "{} arguments for a program that takes {}",
                given.len(),
                self.parameters.len()
            )));
        }
        let mut parameters = self.parameters.iter().zip(given);
        if let Some(number) = parameters.position(|(parameter, text)| !parameter.accepts(text)) {
            return Err(Fault::Invalid(format!(
                "argument {number} is not of the form that the operator allows"
            )));
        }
        Ok(self
            .arguments
            .iter()
            .map(|argument| argument.fill(given))
            .collect())
    }
}

/// The exit code; of a program that a signal ended, 128 and the signal, as shells tell it.
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let by_signal = || status.signal().map_or(-1, |signal| 128 + signal);
    status.code().unwrap_or_else(by_signal)
}

/// Reads to the end; keeps the first bytes and says whether there were more.
async fn keep(
    from: Option<impl AsyncRead + Unpin>,
    limit: usize,
) -> std::io::Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    let Some(mut from) = from else {
        return Ok((kept, false));
    };
    (&mut from)
        .take(limit as u64)
        .read_to_end(&mut kept)
        .await?;
    let more = tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok((kept, more > 0))
}

/// The processes of a program, which end when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &tokio::process::Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Those that have ended are not there any more. Its number is not given to anybody else as long as one
            // process of it lives, nor in the moment since the last one was waited for.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests;
