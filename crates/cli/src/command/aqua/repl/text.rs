//! What has been typed, as a program.

use serde_json::{Map, Value};
use weir_aqua::Compilation;
use weir_aqua::hir::FuncId;
use weir_aqua::types::Ty;

/// The function that does what was typed last.
const FUNCTION: &str = "input";

/// Words with which definitions begin.
const DEFINITIONS: [&str; 9] = [
    "import", "use", "func", "data", "ability", "service", "alias", "const", "export",
];

/// What one input is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// An import, a function, a type, a constant.
    Definition(String),
    /// A value, or a call for its results.
    Value(String),
    /// A statement that gives names to values.
    Binding(Vec<String>, String),
    /// Any other statement.
    Statement(String),
}

impl Input {
    /// Tells by how it is written what an input is.
    pub(super) fn read(line: &str) -> Self {
        let line = line.trim_end();
        let word = line.split([' ', '(', ':']).next().unwrap_or_default();
        let rest = line[word.len()..].trim_start();
        let binds = rest.starts_with('=') && !rest.starts_with("==") || rest.starts_with("<-");
        if DEFINITIONS.contains(&word) && !binds {
            return Self::Definition(line.to_owned());
        }
        let first = line.lines().next().unwrap_or_default();
        let pushes = first.contains("<<-");
        let split = first.split_once("<-").or_else(|| {
            first.split_once('=').filter(|(before, after)| {
                !after.starts_with('=') && !before.ends_with(['=', '!', '<', '>'])
            })
        });
        if let (Some((names, _)), false) = (split, pushes || first.ends_with(':')) {
            let names: Vec<String> = names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect();
            let is_name = |name: &String| {
                !name.is_empty()
                    && name
                        .chars()
                        .all(|char| char.is_alphanumeric() || char == '_')
            };
            if names.iter().all(is_name) {
                return Self::Binding(names, line.to_owned());
            }
        }
        if line.contains('\n') || pushes || first.starts_with("par ") || first.starts_with("co ") {
            return Self::Statement(line.to_owned());
        }
        Self::Value(line.to_owned())
    }

    /// The names that it gives.
    pub(super) fn names(&self) -> Option<&[String]> {
        match self {
            Self::Binding(names, _) => Some(names),
            _ => None,
        }
    }
}

/// A value that has a name.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    /// Its type, as it is written.
    pub(super) ty: String,
    /// Its value as JSON.
    pub(super) value: String,
}

/// What has been defined.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    imports: Vec<String>,
    items: Vec<String>,
    variables: Vec<Variable>,
}

impl Text {
    pub(super) fn define(&mut self, text: &str) {
        if text.starts_with("import") || text.starts_with("use") || text.starts_with("export") {
            self.imports.push(text.to_owned());
        } else {
            self.items.push(text.to_owned());
        }
    }

    pub(super) fn keep(&mut self, variable: Variable) {
        self.variables.retain(|known| known.name != variable.name);
        self.variables.push(variable);
    }

    /// What has been defined, as it was typed.
    pub(super) fn definitions(&self) -> String {
        let mut out = String::new();
        for text in self.imports.iter().chain(&self.items) {
            out.push_str(&format!("{text}\n"));
        }
        for Variable { name, ty, value } in &self.variables {
            out.push_str(&format!("{name}: {ty} = {value}\n"));
        }
        out
    }

    /// The values of the variables.
    pub(super) fn values(&self) -> Map<String, Value> {
        let values = self.variables.iter();
        values
            .filter_map(|variable| {
                Some((
                    variable.name.clone(),
                    serde_json::from_str(&variable.value).ok()?,
                ))
            })
            .collect()
    }

    /// The call of the function that does what was typed.
    pub(super) fn call(&self, input: &Input) -> String {
        let names: Vec<&str> = self.given(input).map(|one| one.name.as_str()).collect();
        format!("{FUNCTION}({})", names.join(", "))
    }

    /// The variables that an input can use: those that it does not define anew.
    fn given<'a>(&'a self, input: &'a Input) -> impl Iterator<Item = &'a Variable> {
        let defined = input.names().unwrap_or_default();
        self.variables
            .iter()
            .filter(|one| !defined.contains(&one.name))
    }

    /// The whole program, with a function that does what was typed.
    pub(super) fn program(&self, input: Option<&Input>) -> String {
        let mut out = String::from("aqua Input declares *\n\n");
        for text in &self.imports {
            out.push_str(&format!("{text}\n"));
        }
        for text in &self.items {
            out.push_str(&format!("\n{text}\n"));
        }
        let Some(input) = input else { return out };
        let params: Vec<String> = self
            .given(input)
            .map(|one| format!("{}: {}", one.name, one.ty))
            .collect();
        let params = params.join(", ");
        let (results, body) = match input {
            Input::Definition(_) => return out,
            Input::Value(value) => (" -> ⊤".to_owned(), format!("  <- {value}")),
            Input::Statement(text) => (String::new(), indented(text)),
            Input::Binding(names, text) => {
                let results = vec!["⊤"; names.len()].join(", ");
                (
                    format!(" -> {results}"),
                    format!("{}\n  <- {}", indented(text), names.join(", ")),
                )
            }
        };
        out.push_str(&format!("\nfunc {FUNCTION}({params}){results}:\n{body}\n"));
        out
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

/// The type of a local, as it can be written; `⊤` if it cannot.
pub(super) fn type_of(compilation: &Compilation, func: FuncId, name: &str) -> String {
    let function = compilation.bodies.functions[func.0 as usize].as_ref();
    let local = function.and_then(|function| {
        function
            .locals
            .iter()
            .rev()
            .find(|local| local.name == name)
    });
    local.map_or_else(|| "⊤".to_owned(), |local| written(&local.ty.frozen()))
}

fn written(ty: &Ty) -> String {
    match ty {
        Ty::Int { .. } => "i64".to_owned(),
        Ty::Float => "f64".to_owned(),
        Ty::Array(element) | Ty::Stream(element) => format!("[]{}", written(element)),
        Ty::Option(element) if **element == Ty::Bottom => "?⊤".to_owned(),
        Ty::Option(element) => format!("?{}", written(element)),
        Ty::Scalar(_) | Ty::Struct(_) => ty.to_string(),
        _ => "⊤".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Text, Variable};

    #[test]
    fn inputs_are_told_apart_by_how_they_are_written() {
        let binding = |names: &[&str], text: &str| {
            Input::Binding(
                names.iter().map(|name| (*name).to_owned()).collect(),
                text.to_owned(),
            )
        };
        let text = |text: &str| text.to_owned();
        for (line, input) in [
            ("f(1)", Input::Value(text("f(1)"))),
            ("a == b", Input::Value(text("a == b"))),
            ("x <- f(1)", binding(&["x"], "x <- f(1)")),
            ("x, y <- f(1)", binding(&["x", "y"], "x, y <- f(1)")),
            ("x = D(a = 1)", binding(&["x"], "x = D(a = 1)")),
            ("service = 1", binding(&["service"], "service = 1")),
            ("D(a = 1)", Input::Value(text("D(a = 1)"))),
            (
                "func f():\n  g()",
                Input::Definition(text("func f():\n  g()")),
            ),
            ("on p:\n  f()", Input::Statement(text("on p:\n  f()"))),
            (
                "for x <- xs:\n  f()",
                Input::Statement(text("for x <- xs:\n  f()")),
            ),
        ] {
            assert_eq!(Input::read(line), input, "{line}");
        }
    }

    #[test]
    fn values_with_names_are_arguments_of_what_comes_later() {
        let mut known = Text::default();
        let keep = |known: &mut Text, ty: &str| {
            let (name, ty, value) = ("x".to_owned(), ty.to_owned(), "1".to_owned());
            known.keep(Variable { name, ty, value });
        };
        keep(&mut known, "u8");
        keep(&mut known, "i64");
        let program = known.program(Some(&Input::read("x + 1")));
        assert!(
            program.ends_with("\nfunc input(x: i64) -> ⊤:\n  <- x + 1\n"),
            "{program}"
        );
        assert_eq!(known.call(&Input::read("x + 1")), "input(x)");
        let again = known.program(Some(&Input::read("x = 2")));
        assert!(
            again.ends_with("\nfunc input() -> ⊤:\n  x = 2\n  <- x\n"),
            "{again}"
        );
    }
}
