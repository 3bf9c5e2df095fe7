use std::time::Instant;

use super::*;

fn parameter(pattern: &str) -> Parameter {
    Parameter::new(Some(pattern), 100).expect("it is a regular expression")
}

fn program(path: &str, arguments: &[&str], parameters: Vec<Parameter>) -> Program {
    let argument =
        |text: &&str| Argument::parse(text, parameters.len()).expect("it is well-formed");
    Program {
        path: PathBuf::from(path),
        arguments: arguments.iter().map(argument).collect(),
        parameters,
    }
}

/// One that runs a script of the operator's with what the guest gives as `$1`.
fn shell(script: &str) -> Program {
    program(
        "/bin/sh",
        &[
            "-c",
            &script.replace('{', "{{").replace('}', "}}"),
            "sh",
            "{0}",
        ],
        vec![Parameter::new(None, 100).expect("there is no pattern")],
    )
}

/// A machine with one program.
struct Machine {
    folder: tempfile::TempDir,
    programs: Programs,
}

fn machine(program: Program, limits: ProgramLimits) -> Machine {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let offered = BTreeMap::from([("p".to_owned(), program)]);
    let programs = Programs::new(folder.path().join("programs"), limits, offered);
    Machine { folder, programs }
}

impl Machine {
    async fn run(&self, arguments: &[&str]) -> Result<ProgramOutput, Fault> {
        let run = ProgramRun {
            name: "p".to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
        };
        self.programs
            .run(run, &BTreeSet::from(["p".to_owned()]))
            .await
    }

    /// What is left in the folder where programs work.
    fn left(&self) -> usize {
        let folder = self.folder.path().join("programs");
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

fn text(output: &ProgramOutput) -> &str {
    std::str::from_utf8(&output.stdout).expect("it is text")
}

#[tokio::test]
async fn a_guest_fills_in_places_and_nothing_else() {
    let echo = program(
        "/bin/echo",
        &["fixed", "--{0}={1}", "{{{1}}}"],
        vec![parameter("[a-z]+"), parameter("[0-9]{1,3}|x")],
    );
    let machine = machine(echo, ProgramLimits::default());
    let output = machine.run(&["name", "42"]).await.expect("it runs");
    assert_eq!((output.code, text(&output)), (0, "fixed --name=42 {42}\n"));
    for arguments in [
        &["name"][..],
        &["name", "42", "more"],
        &["Name", "42"],
        &["name", "4242"],
        &["name", "42\n"],
        &["name", "42x"],
        &["name", "xx"],
        &["", "42"],
        &["na\0me", "42"],
    ] {
        let refused = machine.run(arguments).await;
        assert!(
            matches!(refused, Err(Fault::Invalid(_))),
            "{arguments:?}: {refused:?}"
        );
    }
    let run = |name: &str| ProgramRun {
        name: name.to_owned(),
        arguments: vec!["name".to_owned(), "42".to_owned()],
    };
    let granted = BTreeSet::from(["q".to_owned()]);
    for name in ["p", "q", "/bin/echo"] {
        let refused = machine.programs.run(run(name), &granted).await;
        assert!(
            matches!(refused, Err(Fault::Denied(_))),
            "{name}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn without_a_pattern_a_value_is_any_text_but_no_option() {
    let cat = program(
        "/bin/echo",
        &["{0}"],
        vec![Parameter::new(None, 5).expect("no pattern")],
    );
    let machine = machine(cat, ProgramLimits::default());
    let output = machine.run(&["a; *"]).await.expect("it runs");
    assert_eq!(text(&output), "a; *\n");
    for value in ["-n", "123456"] {
        assert!(
            matches!(machine.run(&[value]).await, Err(Fault::Invalid(_))),
            "{value}"
        );
    }
}

#[test]
fn expressions_cannot_leave_their_place() {
    for pattern in ["a)|(b", "(", "[", "a{2"] {
        let refused = Parameter::new(Some(pattern), 10);
        // What is accepted is still matched as a whole.
        assert!(
            refused.is_err() || !refused.is_ok_and(|p| p.accepts("xb")),
            "{pattern}"
        );
    }
    let either = parameter("a|b");
    assert!(either.accepts("a") && either.accepts("b"));
    assert!(!either.accepts("ax") && !either.accepts("xb") && !either.accepts("a\n"));
    for text in ["{", "}", "{x}", "{1}", "{-1}", "{0", "a\0"] {
        assert!(Argument::parse(text, 1).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_program_finds_an_empty_folder_no_environment_and_no_input() {
    let program = shell(
        "ls -A; pwd; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=; cat; echo $1 > file; exit 3",
    );
    let machine = machine(program, ProgramLimits::default());
    let output = machine.run(&["x"]).await.expect("it runs");
    assert_eq!(output.code, 3, "{output:?}");
    let lines: Vec<&str> = text(&output).lines().collect();
    let [folder] = lines[..] else {
        panic!("{lines:?}");
    };
    let inside = machine.folder.path().canonicalize().expect("it is there");
    assert!(std::path::Path::new(folder).starts_with(inside), "{folder}");
    assert_eq!(machine.left(), 0, "its folder goes with it");
}

#[tokio::test]
async fn output_beyond_the_limit_is_thrown_away_and_said_to_be() {
    let limits = ProgramLimits {
        output_bytes: 10,
        ..ProgramLimits::default()
    };
    let script = "i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; echo $1 >&2";
    let machine = machine(shell(script), limits);
    let output = machine.run(&["error"]).await.expect("it runs");
    assert_eq!(output.stdout, b"0123456789");
    assert_eq!(output.stderr, b"error\n");
    assert!(output.truncated);
    assert_eq!(output.code, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_and_all_that_it_started_end_when_the_time_is_over() {
    let limits = ProgramLimits {
        timeout: Duration::from_millis(300),
        ..ProgramLimits::default()
    };
    // It notes the number of its group in a file that stays, and leaves another process behind.
    let script = "echo $$ > \"$1\"; (while true; do :; done) & while true; do :; done";
    let machine = machine(shell(script), limits);
    let kept = tempfile::tempdir().expect("a folder for the test");
    let note = kept.path().join("group");
    let path = note.to_str().expect("it is text").to_owned();
    let begin = Instant::now();
    assert_eq!(machine.run(&[&path]).await, Err(Fault::TimedOut));
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert_eq!(machine.left(), 0, "its folder goes with it");
    let group = std::fs::read_to_string(note).expect("it had the time to write this");
    // They were told to end, which takes a moment.
    while alive(group.trim()) > 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "it lives on");
        tokio::task::yield_now().await;
    }
}

/// How many processes of a group live.
#[cfg(target_os = "linux")]
fn alive(group: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("the system tells");
    let lives = |entry: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // Behind the name, which may be anything: the state, the parent and the group.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        (fields.get(2) == Some(&group) && fields.first() != Some(&"Z")).then_some(())
    };
    processes.filter_map(lives).count()
}

#[tokio::test]
async fn what_a_program_leaves_running_does_not_keep_its_call_waiting() {
    let machine = machine(
        shell("(while true; do :; done) & echo $1"),
        ProgramLimits::default(),
    );
    let output = machine.run(&["done"]).await.expect("it runs");
    assert_eq!((output.code, text(&output)), (0, "done\n"));
}

#[tokio::test]
async fn a_program_that_a_signal_ends_says_so_in_its_code() {
    let machine = machine(shell("kill -9 $$"), ProgramLimits::default());
    assert_eq!(machine.run(&["x"]).await.expect("it runs").code, 128 + 9);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_program_uses_is_limited() {
    let limits = ProgramLimits {
        file_bytes: 102_400,
        ..ProgramLimits::default()
    };
    let script = "head -c 200000 /dev/zero > file; wc -c < file; ulimit -c";
    let machine = machine(shell(script), limits);
    let output = machine.run(&["x"]).await.expect("it runs");
    let lines: Vec<&str> = text(&output).split_whitespace().collect();
    assert_eq!(lines, ["102400", "0"], "{output:?}");
}

#[tokio::test]
async fn a_path_with_an_equals_sign_is_the_program_and_no_variable() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let odd = folder.path().join("name=value");
    std::fs::create_dir(&odd).expect("a writable folder");
    let offered = |name: &str, arguments: &[&str], parameters: Vec<Parameter>| {
        let file = odd.join(name);
        let original = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
        let original = original.iter().find(|path| path.exists());
        std::os::unix::fs::symlink(original.expect("it is there"), &file).expect("a link");
        let path = file.to_str().expect("it is text");
        machine(
            program(path, arguments, parameters),
            ProgramLimits::default(),
        )
    };

    let anything = Parameter::new(None, 100).expect("there is no pattern");
    let echo = offered("echo", &["{0}", "and more"], vec![anything]);
    let output = echo.run(&["/bin/pwd"]).await.expect("it runs");
    assert_eq!((output.code, text(&output)), (0, "/bin/pwd and more\n"));

    let env = offered("env", &[], vec![]);
    let output = env.run(&[]).await.expect("it runs");
    assert_eq!((output.code, text(&output)), (0, ""));
}

#[tokio::test]
async fn a_path_that_is_not_absolute_is_not_looked_for() {
    // The last one lies in the folder in which this test runs.
    for path in ["echo", "./echo", "-S", "a=b", "Cargo.toml"] {
        let machine = machine(program(path, &["x"], vec![]), ProgramLimits::default());
        let refused = machine.run(&[]).await;
        let Err(Fault::Failed(why)) = refused else {
            panic!("{path}: {refused:?}");
        };
        assert!(why.contains("not absolute"), "{path}: {why}");
        assert_eq!(machine.left(), 0);
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_fails() {
    let machine = machine(
        program("/bin/no-such-program", &[], vec![]),
        ProgramLimits::default(),
    );
    assert!(matches!(machine.run(&[]).await, Err(Fault::Failed(_))));
    assert_eq!(machine.left(), 0);
}
