//! Runs the binary as a user does.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod rates;
mod schema;

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a command left behind.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// The one document of `--json`.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {self:#?}"),
        }
    }

    /// The document's data, where the command succeeded.
    #[track_caller]
    pub fn data(&self) -> Value {
        let document = self.json();
        assert_eq!(document["ok"], true, "{self:#?}");
        assert_eq!(self.code, 0, "{self:#?}");
        schema::check(&document);
        document["data"].clone()
    }

    /// The text, where the command succeeded.
    #[track_caller]
    pub fn text(&self) -> &str {
        assert_eq!(self.code, 0, "{self:#?}");
        &self.stdout
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(folder).args(arguments);
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
    // Contexts of whoever runs the tests are no matter of theirs.
    command.env("WEIR_HOME", folder.join(".user"));
    command.env_remove("WEIR_CONTEXT");
    command
}

/// Runs a command to its end, with nothing on standard input.
pub fn weir(folder: &Path, arguments: &[&str]) -> Done {
    weir_with_input(folder, arguments, "")
}

/// Runs a command to its end.
pub fn weir_with_input(folder: &Path, arguments: &[&str], input: &str) -> Done {
    weir_with_bytes(folder, arguments, input.as_bytes())
}

/// Runs a command to its end; its input need not be text.
pub fn weir_with_bytes(folder: &Path, arguments: &[&str], input: &[u8]) -> Done {
    run(folder, arguments, input, Stdio::piped())
}

/// Runs a command to its end, with its standard output somewhere else.
pub fn weir_into(folder: &Path, arguments: &[&str], stdout: Stdio) -> Done {
    run(folder, arguments, &[], stdout)
}

fn run(folder: &Path, arguments: &[&str], input: &[u8], stdout: Stdio) -> Done {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("cargo has built the binary");
    // A command that does not read its input closes the pipe.
    let _ = child
        .stdin
        .take()
        .expect("it was asked for")
        .write_all(input);
    let output = child.wait_with_output().expect("the child is ours");
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("weir writes UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("weir writes UTF-8"),
    }
}

/// Runs a line of a shell in which `weir` is the binary; gives all that it writes.
pub fn shell(folder: &Path, line: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_weir"));
    let mut path = binary
        .parent()
        .expect("a file is in a folder")
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{line}")])
        .current_dir(folder)
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .env("WEIR_HOME", folder.join(".user"))
        .env_remove("WEIR_CONTEXT")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("FORCE_COLOR")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    String::from_utf8(output.stdout).expect("weir writes UTF-8")
}

/// A running `weir up`; it is killed when dropped.
#[derive(Debug)]
pub struct Network {
    child: Child,
    /// What `weir up --json` said when it was ready.
    pub ready: Value,
}

impl Network {
    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn up(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = command(folder, &[&["up", "--json"], arguments].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the binary");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it was asked for"))
            .read_line(&mut line)
            .expect("a pipe can be read");
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            let mut stderr = String::new();
            let _ = child.kill();
            let _ = child
                .stderr
                .take()
                .expect("it was asked for")
                .read_to_string(&mut stderr);
            panic!("not ready: {line:?} {stderr}");
        };
        assert_eq!(ready["ok"], true, "{ready}");
        schema::check(&ready);
        Self {
            child,
            ready: ready["data"].clone(),
        }
    }

    /// Starts it as a person does; gives what it says when it is ready. [`Self::ready`] is empty.
    #[track_caller]
    pub fn up_in_words(folder: &Path, arguments: &[&str]) -> (Self, String) {
        let mut child = command(folder, &[&["up"], arguments].concat())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("cargo has built the binary");
        let mut stdout = BufReader::new(child.stdout.take().expect("it was asked for"));
        let network = Self {
            child,
            ready: Value::Null,
        };
        let mut text = String::new();
        while !text.contains("Ctrl-C stops it") {
            let read = stdout.read_line(&mut text);
            assert!(read.is_ok_and(|bytes| bytes > 0), "not ready: {text}");
        }
        (network, text)
    }

    /// Ctrl-C; gives the exit code.
    pub fn interrupt(mut self) -> i32 {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &process]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        self.child
            .wait()
            .expect("the child is ours")
            .code()
            .unwrap_or(-1)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that is not over yet; it is killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: BufReader<std::process::ChildStderr>,
    stderr: String,
}

impl Running {
    /// Starts it, with nothing on standard input.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = command(folder, arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo has built the binary");
        let said = BufReader::new(child.stderr.take().expect("it was asked for"));
        Self {
            child,
            said,
            stderr: String::new(),
        }
    }

    /// Reads what it says on standard error until a line has this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        loop {
            let before = self.stderr.len();
            let read = self.said.read_line(&mut self.stderr);
            assert!(read.is_ok_and(|bytes| bytes > 0), "{}", self.stderr);
            if self.stderr[before..].contains(text) {
                return;
            }
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
    }

    /// Waits until it is over.
    pub fn finish(mut self) -> Done {
        let _ = self.said.read_to_string(&mut self.stderr);
        let mut stdout = String::new();
        let _ = self
            .child
            .stdout
            .take()
            .expect("it was asked for")
            .read_to_string(&mut stdout);
        let status = self.child.wait().expect("the child is ours");
        Done {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: std::mem::take(&mut self.stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
