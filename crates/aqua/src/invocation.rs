//! Calls of functions from outside: `name(1, "a", [1, 2], settings)` with data beside it.
//!
//! A client gives arguments as JSON. [`Invocation::read`] turns what a person writes
//! into them and holds each against the type of its parameter; [`shown`] turns results
//! into what a person reads. At run time an option is an array of no or one element; a
//! person writes and reads the value, or null.
//!
//! ```
//! # use std::{path::Path, sync::Arc};
//! # struct One;
//! # impl weir_aqua::files::Files for One {
//! #     fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
//! #         let text = "aqua Ages\nexport older\nfunc older(age: u8, by: ?u8) -> u8:\n    <- age\n";
//! #         Ok(Some(Arc::from(text)))
//! #     }
//! # }
//! # let request = weir_aqua::Request { entries: vec!["ages.aqua".into()], ..Default::default() };
//! # let compilation = weir_aqua::compile(&request, &One).unwrap();
//! use weir_aqua::invocation::Invocation;
//!
//! // func older(age: u8, by: ?u8) -> u8
//! let data = serde_json::json!({"years": 3});
//! let call = Invocation::read(&compilation, "older(36, years)", data.as_object().unwrap())?;
//! assert_eq!(call.args[1], (String::from("by"), serde_json::json!([3])));
//!
//! let wrong = Invocation::read(&compilation, "older(300, nil)", data.as_object().unwrap());
//! assert_eq!(wrong.unwrap_err().message, "argument 1 `age`: expected u8, got 300");
//! # Ok::<(), weir_aqua::invocation::InvocationError>(())
//! ```

mod fit;

use crate::compile::Compilation;
use crate::diagnostic::nearest;
use crate::hir::FuncId;
use crate::source::{FileId, Span};
use crate::syntax::{self, CollectionKind, Expr, ExprKind, Name};
use crate::types::{Arrow, Ty};
use serde_json::{Map, Number, Value};
use std::fmt;

/// A function and the arguments that its client gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The function.
    pub func: FuncId,
    /// For each parameter its name and the argument, in the form it has at run time.
    pub args: Vec<(String, Value)>,
}

/// Why a call cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvocationError {
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where in the text of the call.
    pub span: Span,
    /// How to put it right.
    pub help: Option<String>,
}

impl InvocationError {
    fn new(message: impl Into<String>, span: Span) -> Self {
        Self {
            message: message.into(),
            span,
            help: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for InvocationError {}

impl Invocation {
    /// Reads a call. Its function is one that [`Compilation::function`] finds; its arguments are literals, collections of
    /// them, and names, which stand for the fields of `data`. A name that `data` does not have is nil where the parameter is
    /// an option.
    ///
    /// # Errors
    /// Says what cannot be read, is not there, or is not of the type of its parameter.
    pub fn read(
        compilation: &Compilation,
        call: &str,
        data: &Map<String, Value>,
    ) -> Result<Self, InvocationError> {
        if call.trim().is_empty() {
            return Err(no_call("there is no call", Span::default()));
        }
        let expr = syntax::parse_value(FileId(0), call).map_err(|problem| InvocationError {
            message: problem.message,
            span: problem.place.span,
            help: problem.help,
        })?;
        let (name, given) = callee(&expr)?;
        let Some(func) = compilation.function(&name.text) else {
            return Err(unknown_function(compilation, name));
        };
        let ty = &compilation.world.func(func).ty;
        check_callable(name, ty)?;
        if given.len() != ty.params.len() {
            return Err(wrong_count(name, ty, given.len(), expr.span));
        }
        let mut args = Vec::with_capacity(given.len());
        for (index, (expr, (param, ty))) in given.iter().zip(&ty.params).enumerate() {
            let param = param.clone().unwrap_or_default();
            let value = argument(expr, ty, data)?;
            let fitted = fit::fit(ty, &value, &param).map_err(|misfit| InvocationError {
                message: format!("argument {} {}", index + 1, misfit.message),
                span: expr.span,
                help: misfit.help,
            })?;
            args.push((param, fitted));
        }
        Ok(Self { func, args })
    }
}

/// Results as a person reads them: an option is its value, or null.
pub fn shown(ty: &Ty, value: &Value) -> Value {
    match (ty, value) {
        (Ty::Option(element), Value::Array(items)) => items
            .first()
            .map_or(Value::Null, |item| shown(element, item)),
        (Ty::Array(element) | Ty::Stream(element), Value::Array(items)) => {
            items.iter().map(|item| shown(element, item)).collect()
        }
        (Ty::Struct(record), Value::Object(fields)) => {
            let field = |(name, value): (&String, &Value)| {
                let value = match record.get(name) {
                    Some(ty) => shown(ty, value),
                    None => value.clone(),
                };
                (name.clone(), value)
            };
            Value::Object(fields.iter().map(field).collect())
        }
        _ => value.clone(),
    }
}

/// The name of the called function, and the arguments.
fn callee(expr: &Expr) -> Result<(&Name, &[Expr]), InvocationError> {
    match &expr.kind {
        ExprKind::Call {
            callee,
            abilities,
            args,
        } => match &callee.kind {
            ExprKind::Name(name) if abilities.is_empty() => Ok((name, args)),
            ExprKind::Name(_) => {
                let message = "abilities cannot be given from outside";
                Err(InvocationError::new(message, abilities[0].span))
            }
            _ => Err(InvocationError::new(
                "only functions can be called from outside",
                callee.span,
            )
            .help("export a function that makes this call")),
        },
        ExprKind::Name(name) => {
            let message = format!("`{}` is not a call", name.text);
            let help = format!(
                "write `{}()` with its arguments between the parentheses",
                name.text
            );
            Err(InvocationError::new(message, name.span).help(help))
        }
        _ => Err(no_call("this is not a call", expr.span)),
    }
}

fn no_call(message: &str, span: Span) -> InvocationError {
    InvocationError::new(message, span)
        .help("write the name of a function and its arguments, as in `f(1, \"a\")`")
}

fn unknown_function(compilation: &Compilation, name: &Name) -> InvocationError {
    let mut known: Vec<&str> = Vec::new();
    for file in &compilation.set.entries {
        known.extend(compilation.exports(*file).map(|(export, _)| export));
        let own = &compilation.world.module(*file).functions;
        known.extend(
            own.iter()
                .map(|id| compilation.world.func(*id).name.as_str()),
        );
    }
    let unknown = InvocationError::new(format!("there is no function `{}`", name.text), name.span);
    unknown.help(suggestion(&name.text, known, "the file has no functions"))
}

/// The name that was meant, or the names that there are.
fn suggestion(name: &str, mut known: Vec<&str>, none: &str) -> String {
    const NAMES_MAX: usize = 10;
    if let Some(near) = nearest(name, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return none.to_owned();
    }
    let listed: Vec<String> = known
        .iter()
        .take(NAMES_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if known.len() > NAMES_MAX { ", …" } else { "" };
    format!("there is {}{more}", listed.join(", "))
}

/// Whether a client can call a function of that type.
fn check_callable(name: &Name, ty: &Arrow) -> Result<(), InvocationError> {
    for (index, (param, ty)) in ty.params.iter().enumerate() {
        let what = match ty {
            Ty::Arrow(_) => "a function",
            Ty::Ability(_) | Ty::Service(_) => "an ability",
            Ty::Map(_) => "a stream map",
            _ => continue,
        };
        let param = param.as_deref().unwrap_or_default();
        let message = format!(
            "`{}` cannot be called from outside: argument {} `{param}` is {what}",
            name.text,
            index + 1
        );
        return Err(InvocationError::new(message, name.span)
            .help("call a function that takes nothing but data"));
    }
    if let Some(ty) = ty
        .results
        .iter()
        .find(|ty| !ty.is_data() && !matches!(ty, Ty::Stream(_)))
    {
        let message = format!(
            "`{}` cannot be called from outside: it returns `{ty}`",
            name.text
        );
        return Err(InvocationError::new(message, name.span)
            .help("call a function that returns nothing but data"));
    }
    Ok(())
}

fn wrong_count(name: &Name, ty: &Arrow, given: usize, span: Span) -> InvocationError {
    let params: Vec<String> = ty
        .params
        .iter()
        .map(|(name, ty)| format!("{}: {ty}", name.as_deref().unwrap_or("_")))
        .collect();
    let count = match params.len() {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    };
    let given = match given {
        0 => "none is given".to_owned(),
        1 => "1 is given".to_owned(),
        given => format!("{given} are given"),
    };
    let message = format!("`{}` takes {count}, and {given}", name.text);
    InvocationError {
        help: (!params.is_empty()).then(|| format!("its arguments are ({})", params.join(", "))),
        ..InvocationError::new(message, span)
    }
}

/// The value of an argument as a whole.
fn argument(expr: &Expr, ty: &Ty, data: &Map<String, Value>) -> Result<Value, InvocationError> {
    match &expr.kind {
        ExprKind::Name(name) if matches!(ty, Ty::Option(_)) && name.text != "nil" => {
            Ok(data.get(&name.text).cloned().unwrap_or(Value::Null))
        }
        _ => value(expr, data),
    }
}

/// The value that is written there.
fn value(expr: &Expr, data: &Map<String, Value>) -> Result<Value, InvocationError> {
    match &expr.kind {
        ExprKind::Bool(value) => Ok(Value::Bool(*value)),
        ExprKind::Int(Some(value)) => {
            let number = Number::from_i128(*value);
            let number = number.expect("the parser lets only numbers of 64 bits pass");
            Ok(Value::Number(number))
        }
        ExprKind::Float(text) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            let number = number.ok_or_else(|| {
                InvocationError::new(format!("the number `{text}` is out of range"), expr.span)
            })?;
            Ok(Value::Number(number))
        }
        ExprKind::String(text) => Ok(Value::String(text.clone())),
        ExprKind::Name(name) if name.text == "nil" => Ok(Value::Array(Vec::new())),
        ExprKind::Name(name) => {
            let found = data.get(&name.text).cloned();
            found.ok_or_else(|| unknown_value(name, data))
        }
        ExprKind::Collection { kind, items } => {
            let items: Result<Vec<Value>, _> = items.iter().map(|item| value(item, data)).collect();
            let mut items = items?;
            if *kind == CollectionKind::Option {
                // the first that can be computed, and literals always can be
                items.truncate(1);
            }
            Ok(Value::Array(items))
        }
        ExprKind::Paren(inner) => value(inner, data),
        ExprKind::Call { .. } => Err(InvocationError::new(
            "an argument cannot be a call",
            expr.span,
        )
        .help("call this function first, and give its result in the data")),
        ExprKind::Construct { .. } => Err(InvocationError::new(
            "an argument cannot be constructed here",
            expr.span,
        )
        .help("give the struct in the data, and name it here")),
        _ => Err(InvocationError::new(
            "an argument is a literal, a collection or a name",
            expr.span,
        )
        .help("give the value in the data, and name it here")),
    }
}

fn unknown_value(name: &Name, data: &Map<String, Value>) -> InvocationError {
    let known = data.keys().map(String::as_str).collect();
    let message = format!("there is no value for `{}`", name.text);
    let help = suggestion(&name.text, known, "give it in the data");
    InvocationError::new(message, name.span).help(help)
}
