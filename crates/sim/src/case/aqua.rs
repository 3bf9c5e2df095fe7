//! Cases that name a function of an Aqua file in place of a script.

use std::path::PathBuf;
use std::sync::Arc;

use weir_aqua::files::{Files, Imports};
use weir_aqua::lower::Options;
use weir_aqua::{Diagnostic, FileId, Request, Severity};

use super::read::Place;
use super::{Case, CaseError, Mock};
use weir_identity::Value;

/// Fields that stand in place of `air`.
pub(super) const FIELDS: [&str; 5] = ["aqua", "func", "args", "imports", "relay"];

/// Texts are not to be had.
pub(super) struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &std::path::Path) -> Result<Option<Arc<str>>, String> {
        Err("files cannot be read here".to_owned())
    }
}

/// Compiles the function and gives its script. What a client would offer is mocked on the initiator, as far as the
/// case does not mock it: the relay and the arguments under `getDataSrv`, the answer under `callbackSrv`.
pub(super) fn compile(
    root: &Place<'_>,
    case: &mut Case,
    files: &dyn Files,
) -> Result<(), CaseError> {
    let file = root.require("aqua")?;
    let func = root.require("func")?;
    let relay = root.field("relay").map(|relay| relay.name()).transpose()?;
    let mut request = Request {
        entries: vec![PathBuf::from(file.text()?)],
        ..Request::default()
    };
    if let Some(imports) = root.field("imports") {
        request.imports = Imports {
            roots: imports.paths()?,
        };
    }
    let compilation = weir_aqua::compile(&request, files)
        .map_err(|(path, reason)| file.wrong(format!("{}: {reason}", path.display())))?;
    if compilation.has_errors() {
        let errors = compilation
            .diagnostics
            .iter()
            .filter(|one| one.severity == Severity::Error);
        let diagnostics = errors.map(|one| line(&compilation, one)).collect();
        let path = file.path().to_owned();
        return Err(CaseError::Script { path, diagnostics });
    }
    let name = func.text()?;
    let Some(id) = compilation.function(name) else {
        return Err(func.wrong(format!("the file has no function `{name}`")));
    };
    let options = Options {
        relay: relay.is_some(),
        ..Options::default()
    };
    case.air = match compilation.script(id, &options) {
        Ok(script) => Arc::from(script),
        Err(limit) => return Err(func.wrong(limit.message.clone())),
    };
    let init = case.init.clone();
    let mut offer = |name: String, value: Value| {
        let on_init = Arc::from(format!("{init}/{name}"));
        if !case.services.contains_key(&on_init) {
            case.services
                .entry(Arc::from(name))
                .or_insert(Mock::Ok(value));
        }
    };
    if let Some(relay) = relay {
        offer(
            "getDataSrv.-relay-".to_owned(),
            Value::from(format!("@{relay}")),
        );
        if relay != case.init && !case.peers.contains(&relay) {
            case.peers.push(relay);
        }
    }
    if let Some(args) = root.field("args") {
        args.check(args.value().as_object().is_some(), "an object")?;
        let known = &compilation.world.func(id).ty.params;
        for (arg, value) in args.value().as_object().into_iter().flatten() {
            if !known
                .iter()
                .any(|(name, _)| name.as_deref() == Some(arg.as_ref()))
            {
                return Err(args.wrong(format!("`{name}` has no argument `{arg}`")));
            }
            offer(format!("getDataSrv.{arg}"), value.clone());
        }
    }
    offer("callbackSrv.response".to_owned(), Value::Null);
    offer("errorHandlingSrv.error".to_owned(), Value::Null);
    Ok(())
}

/// `FILE:LINE:COLUMN: CODE message`
fn line(compilation: &weir_aqua::Compilation, diagnostic: &Diagnostic) -> String {
    let place = diagnostic.place;
    let file = compilation.set.get(FileId(place.file.0));
    let before = file
        .text
        .get(..place.span.start as usize)
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let (path, code, message) = (file.path.display(), diagnostic.code, &diagnostic.message);
    format!("{path}:{line}:{column}: {code} {message}")
}
