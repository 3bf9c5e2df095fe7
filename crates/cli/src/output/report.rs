//! What a command found out: data for programs, text for people, perhaps a failure that goes with them.

use super::Palette;
use crate::failure::Failure;
use serde::Serialize;
use serde_json::value::RawValue;

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Report {
    data: Box<RawValue>,
    text: String,
    next: Option<String>,
    failure: Option<Failure>,
}

impl Report {
    /// `data` is what `--json` shows, `text` what people see.
    pub(crate) fn new(data: &impl Serialize, text: impl Into<String>) -> Self {
        Self {
            data: serde_json::value::to_raw_value(data)
                .expect("reports are structs with string keys, which JSON can hold"),
            text: text.into(),
            next: None,
            failure: None,
        }
    }

    /// Suggests one command to people at a terminal.
    pub(crate) fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Shows the result and fails all the same, as a call does whose replicas answered with errors.
    pub(crate) fn failing(mut self, failure: Failure) -> Self {
        self.failure = Some(failure);
        self
    }

    pub(super) fn data(&self) -> &RawValue {
        &self.data
    }

    pub(super) fn into_data(self) -> Box<RawValue> {
        self.data
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }
}

/// The failure as at most twelve lines: what, circumstances, cause, fix, where to read on.
pub(super) fn failure_text(failure: &Failure, palette: &Palette) -> String {
    let code = failure.code.text();
    let mut text = format!(
        "{} {}",
        palette.error(&format!("error[{code}]:")),
        failure.what
    );
    let mut line = |name: &str, value: &str| {
        let mut parts = value.lines();
        text.push_str(&format!(
            "\n  {} {}",
            palette.dim(&format!("{name:<9}")),
            parts.next().unwrap_or_default()
        ));
        for part in parts {
            text.push_str(&format!("\n  {:9} {part}", ""));
        }
    };
    for (name, value) in &failure.facts {
        line(name, value);
    }
    if let Some(cause) = &failure.cause {
        line("cause", cause);
    }
    if let Some(fix) = &failure.fix {
        line("fix", fix);
    }
    match &failure.trace {
        Some(trace) => line(
            "trace",
            &format!("weir trace {trace}        explain: weir explain {code}"),
        ),
        None => line("explain", &format!("weir explain {code}")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Palette, failure_text};
    use crate::code::Code;
    use crate::failure::Failure;
    use expect_test::expect;

    #[test]
    fn a_failure_says_what_where_why_and_what_to_do() {
        let failure = Failure::new(Code::Deadline, "greeter.hello did not finish within 15 s")
            .fact("waiting", "call greeter.hello on node-1")
            .cause("node-1 is not connected\nit was last seen 20 s ago")
            .fix("weir call greeter.hello Ada --policy any")
            .trace("5f0c21aa");
        expect![[r"
            error[W0401]: greeter.hello did not finish within 15 s
              waiting   call greeter.hello on node-1
              cause     node-1 is not connected
                        it was last seen 20 s ago
              fix       weir call greeter.hello Ada --policy any
              trace     weir trace 5f0c21aa        explain: weir explain W0401"]]
        .assert_eq(&failure_text(&failure, &Palette::plain()));
    }
}
