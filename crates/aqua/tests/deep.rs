//! Programs that are nested as deep as the limits allow.
//!
//! Lowering and placement recurse over blocks and calls. The stack that this takes follows from a limit and not from
//! the input: what comes nearest to the limit goes through all stages on the stack of a test, which is that of a thread,
//! in any profile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_aqua::files::Files;
use weir_aqua::ir::LEVELS_MAX;
use weir_aqua::lower::Options;
use weir_aqua::{Request, codes, compile, emit};

struct Text(String);

impl Files for Text {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(Arc::from(self.0.as_str())))
    }
}

/// Functions of which each has blocks around a call of the one before.
fn nested(count: usize, block: &[&str]) -> String {
    let mut text = String::from(
        "aqua Deep declares *\n\nservice S(\"s\"):\n  get(x: u32) -> []u32\n\nfunc f0(p: string, n: u32):\n  xs <- S.get(n)\n",
    );
    for number in 1..=count {
        text.push_str(&format!(
            "\nfunc f{number}(p: string, n: u32):\n  xs <- S.get(n)\n"
        ));
        for (level, line) in block.iter().enumerate() {
            let line = line.replace('#', &level.to_string());
            text.push_str(&format!("{}{line}\n", "  ".repeat(level + 1)));
        }
        let indent = "  ".repeat(block.len() + 1);
        text.push_str(&format!("{indent}f{}(p, n)\n", number - 1));
    }
    text
}

/// The levels of the deepest program of this kind that is not refused.
fn deepest(block: &[&str]) -> usize {
    let mut deepest = 0;
    for count in 1.. {
        let request = Request {
            entries: vec![PathBuf::from("deep.aqua")],
            ..Request::default()
        };
        let text = Text(nested(count, block));
        let compilation = compile(&request, &text).expect("the file is there");
        assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
        let func = compilation
            .function(&format!("f{count}"))
            .expect("it is defined");
        match compilation.program(func, &Options::default()) {
            Ok(program) => {
                deepest = program.body.levels();
                emit::air(&program).expect("AIR reads it");
                emit::plan_text(&emit::plan(&program));
                emit::hops(&program);
            }
            Err(problem) => {
                assert_eq!(problem.code, codes::LIMIT, "{problem:?}");
                return deepest;
            }
        }
    }
    unreachable!("numbers end later")
}

#[test]
fn the_deepest_programs_go_through_all_stages_on_the_stack_of_a_thread() {
    for block in [
        &["on p via HOST_PEER_ID:"][..],
        &["for x# <- xs:"],
        &["for x# <- xs par:", "on p via HOST_PEER_ID:"],
        &["for x# <- xs try:", "try:"],
        &["if n > 1:"],
        &["if n > 1:", "on p:"],
        &["try:"],
        &["try:", "on p:"],
        &["parseq x# <- xs on p via HOST_PEER_ID:"],
        &["par on p:"],
    ] {
        let deepest = deepest(block);
        assert!(
            deepest <= LEVELS_MAX / 2 + 10,
            "{block:?}: {deepest} levels"
        );
    }
}
