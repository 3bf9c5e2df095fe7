//! Policies: scripts that say how replicas are called. What they get and report is described in `aqua/README.md`.

use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use std::fmt::Write;
use std::path::Path;

/// The scripts inside the binary, by name.
const BUILT_IN: &[(&str, &str)] = &[
    ("all", include_str!("../../../aqua/all.air")),
    ("any", include_str!("../../../aqua/any.air")),
    ("fastest", include_str!("../../../aqua/fastest.air")),
    ("quorum", include_str!("../../../aqua/quorum.air")),
];

/// Stands in a policy for the operands of the arguments. Valid AIR, so that policies can be checked and formatted;
/// arrays have no fields, so that nothing else can be meant.
const ARGUMENTS_TOKEN: &str = "args.$.each";

/// A policy script with the parameter that was given to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// As on the command line, without the parameter.
    pub(crate) name: String,
    /// What stands after `=`.
    pub(crate) parameter: Option<String>,
    text: String,
}

impl Policy {
    /// Finds `NAME`, `NAME=V` or `PATH.air`; `aqua` is the folder of the project's own policies.
    pub(crate) fn load(wanted: &str, aqua: Option<&Path>) -> Result<Self, Failure> {
        let (name, parameter) = match wanted.split_once('=') {
            Some((name, parameter)) => (name, Some(parameter.to_owned())),
            None => (wanted, None),
        };
        let is_path = Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "air");
        let text = if is_path {
            input::script(Path::new(name))?
        } else {
            Self::text_of(name, aqua)?
        };
        Ok(Self {
            name: name.to_owned(),
            parameter,
            text,
        })
    }

    fn text_of(name: &str, aqua: Option<&Path>) -> Result<String, Failure> {
        let plain = !name.is_empty() && !name.contains(['/', '\\']);
        let own = aqua.map(|folder| folder.join(format!("{name}.air")));
        if let Some(own) = own.filter(|own| plain && own.exists()) {
            return input::script(&own);
        }
        BUILT_IN
            .iter()
            .find(|(built_in, _)| *built_in == name)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| {
                let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                Failure::new(Code::NoSuchPolicy, format!("there is no policy {name:?}"))
                    .cause(format!("built in are {}", names.join(", ")))
                    .fix("write aqua/NAME.air beside .weir, or name a file ending in .air")
            })
    }

    /// The script as it stands in its file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The script for a call with so many arguments.
    pub(crate) fn script(&self, arguments: usize) -> String {
        let mut operands = String::new();
        for index in 0..arguments {
            let gap = if index == 0 { "" } else { " " };
            write!(operands, "{gap}args.$.[{index}]").expect("writing to a string never fails");
        }
        self.text.replace(ARGUMENTS_TOKEN, &operands)
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, Policy};
    use crate::code::Code;

    #[test]
    fn the_token_becomes_one_operand_for_each_argument() {
        let policy = Policy {
            name: "own".to_owned(),
            parameter: None,
            text: "(call p (s f) [args.$.each])".to_owned(),
        };
        assert_eq!(policy.script(0), "(call p (s f) [])");
        assert_eq!(policy.script(2), "(call p (s f) [args.$.[0] args.$.[1]])");
    }

    #[test]
    fn a_parameter_stands_behind_the_name() {
        let policy = Policy::load("quorum=2", None).expect("it is built in");
        assert_eq!(policy.name, "quorum");
        assert_eq!(policy.parameter.as_deref(), Some("2"));
    }

    #[test]
    fn the_project_replaces_a_policy() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(folder.path().join("all.air"), "(null)").expect("a writable folder");
        let policy = Policy::load("all", Some(folder.path())).expect("the file is there");
        assert_eq!(policy.script(0), "(null)");
    }

    #[test]
    fn an_unknown_policy_is_not_found() {
        for name in ["most", "", "../all"] {
            let failure = Policy::load(name, None).expect_err(name);
            assert_eq!(failure.code, Code::NoSuchPolicy, "{name}");
        }
    }

    #[test]
    fn every_built_in_policy_takes_arguments() {
        for (name, text) in BUILT_IN {
            assert!(text.contains("[args.$.each]"), "{name}");
        }
    }
}
