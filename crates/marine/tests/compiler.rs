//! Compiling in a process of its own. The process is this very program, called with an argument.

#[path = "support/mod.rs"]
mod support;

use std::ffi::OsString;
use std::fmt::Write;
use std::io::{self, Read};
use std::process::ExitCode;

use support::{call, component, module};
use weir_marine::{CompilerProcess, Error, Marine, MarineConfig, compile_worker};

const WORK: &str = "compile-component";
const SLEEP: &str = "never-answer";
const SPIN: &str = "work-for-ever";
const LIE: &str = "answer-nonsense";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(WORK) => match compile_worker(io::stdin().lock(), io::stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Some(SLEEP) => loop {
            std::thread::park();
        },
        Some(SPIN) => match compile_worker(Endless(io::stdin().lock().take(16)), io::sink()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Some(LIE) => {
            println!("weir-cc1 but nothing of what belongs here");
            ExitCode::SUCCESS
        }
        // Test runners ask for names, of which this program has none.
        Some("--list") => ExitCode::SUCCESS,
        _ => {
            a_component_compiled_elsewhere_answers();
            a_compiler_out_of_memory_is_no_harm();
            a_compiler_that_works_too_much_is_ended();
            a_compiler_that_never_ends_is_killed();
            a_compiler_that_breaks_its_frame_is_not_believed();
            a_compiler_that_is_not_there_is_no_fault_of_the_component();
            ExitCode::SUCCESS
        }
    }
}

/// Gives the bounds of the process, and then works for ever.
struct Endless<R>(R);

impl<R: Read> Read for Endless<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(out)?;
        if read > 0 {
            return Ok(read);
        }
        loop {
            std::hint::spin_loop();
        }
    }
}

fn compiler(mode: &str) -> CompilerProcess {
    CompilerProcess {
        program: std::env::current_exe().expect("this program is a file"),
        args: vec![OsString::from(mode)],
        memory_bytes: 2 << 30,
        cpu_s: 60,
        wall_ms: 600_000,
    }
}

fn marine(compiler: CompilerProcess) -> Marine {
    Marine::new(MarineConfig {
        slots: 2,
        compiler: Some(compiler),
        ..MarineConfig::default()
    })
    .expect("the engine can be set up")
}

fn simple() -> Vec<u8> {
    support::run("")
}

/// Many functions, each with much to do for a compiler.
fn heavy() -> Vec<u8> {
    let body =
        "(i32.store (i32.const 0) (i32.mul (i32.load (i32.const 8)) (i32.load (i32.const 16))))"
            .repeat(6_000);
    let (mut functions, mut exports) = (String::new(), String::new());
    for index in 0..12 {
        write!(functions, r#"(func (export "run{index}") {body})"#).expect("fits in memory");
        write!(exports, "export run{index}: func();").expect("fits in memory");
    }
    component(
        &format!("package test:heavy; world w {{ {exports} }}"),
        &module(&functions),
    )
}

fn a_component_compiled_elsewhere_answers() {
    let module = marine(compiler(WORK)).load(&simple()).expect("accepted");
    assert_eq!(
        call(&module, "run", &[])
            .map(|value| value.to_json())
            .ok()
            .as_deref(),
        Some("null")
    );
}

fn a_compiler_out_of_memory_is_no_harm() {
    let tight = CompilerProcess {
        memory_bytes: 48 << 20,
        ..compiler(WORK)
    };
    let marine = marine(tight);
    let error = marine.load(&heavy()).expect_err("too large for that");
    assert!(matches!(error, Error::CompilerStopped { .. }), "{error}");
    assert_eq!(error.code(), "deploy/too-costly");
    assert!(marine.load(&simple()).is_ok(), "the runtime goes on");
}

fn a_compiler_that_works_too_much_is_ended() {
    let hasty = CompilerProcess {
        cpu_s: 1,
        ..compiler(SPIN)
    };
    let error = marine(hasty).load(&simple()).expect_err("it never ends");
    let limit = matches!(error, Error::TooCostly { limit_ms: 1_000 });
    assert!(limit, "{error}");
}

fn a_compiler_that_never_ends_is_killed() {
    let endless = CompilerProcess {
        wall_ms: 50,
        ..compiler(SLEEP)
    };
    let error = marine(endless).load(&simple()).expect_err("no answer");
    assert!(
        matches!(error, Error::TooCostly { limit_ms: 50 }),
        "{error}"
    );
}

fn a_compiler_that_breaks_its_frame_is_not_believed() {
    let error = marine(compiler(LIE)).load(&simple()).expect_err("no code");
    assert!(matches!(error, Error::CompilerStopped { .. }), "{error}");
}

fn a_compiler_that_is_not_there_is_no_fault_of_the_component() {
    let missing = CompilerProcess {
        program: "/nowhere/weir".into(),
        ..compiler(WORK)
    };
    let error = marine(missing).load(&simple()).expect_err("no compiler");
    assert!(error.is_infrastructure(), "{error}");
}
