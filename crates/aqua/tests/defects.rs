//! Defects of the compiler are told as such, and nothing breaks off.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_aqua::files::Files;
use weir_aqua::ir::{Base, Op, Value};
use weir_aqua::lower::Options;
use weir_aqua::{Request, Severity, codes, compile};

struct Text(&'static str);

impl Files for Text {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(Arc::from(self.0)))
    }
}

#[test]
fn a_script_that_cannot_be_read_is_a_defect_that_names_the_function() {
    let request = Request {
        entries: vec![PathBuf::from("main.aqua")],
        ..Request::default()
    };
    let text = Text("aqua Main declares *\n\nfunc answer() -> u32:\n  <- 42\n");
    let compilation = compile(&request, &text).expect("the file is there");
    let func = compilation.function("answer").expect("it is defined");
    let mut program = compilation
        .program(func, &Options::default())
        .expect("there are no errors");
    let written = compilation.write(func, &program);
    assert!(written.is_ok(), "{written:?}");

    // no lowering makes this
    program.body = Op::Fail(Value::from(Base::String("a quote \" inside".into())));
    let problem = compilation
        .write(func, &program)
        .expect_err("a text ends at its quote");
    assert_eq!(problem.code, codes::INTERNAL);
    assert_eq!(problem.severity, Severity::Error);
    assert!(problem.message.contains("`answer`"), "{problem:?}");
    assert!(
        problem.message.contains("W01"),
        "it says what AIR says: {problem:?}"
    );
    let help = problem.help.expect("there is something to do");
    assert!(help.contains("report"), "{help}");
}
