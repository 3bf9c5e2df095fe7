//! `weir aqua compile`: what a program exports, for clients.

use super::{faults, sources};
use crate::args::{CompileTarget, Sources};
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::Path;
use weir_aqua::Compilation;
use weir_aqua::emit::definition;
use weir_aqua::lower::Options;
use weir_aqua::names::Exported;

#[derive(Serialize)]
struct Compiled {
    /// By name: script and definition.
    functions: Map<String, Value>,
    /// By name: definition.
    services: Map<String, Value>,
    /// The files that were written.
    written: Vec<String>,
}

/// Compiles what the file exports, and writes it to a folder or to standard output.
pub(super) fn run(
    file: &Path,
    target: CompileTarget,
    folder: Option<&Path>,
    no_relay: bool,
    wanted: &Sources,
    output: &Output,
) -> Result<Report, Failure> {
    let compilation = sources::compiled(vec![file.to_path_buf()], wanted, output)?;
    if let Some(failure) = faults::refused(&compilation) {
        return Err(failure);
    }
    let options = Options {
        relay: !no_relay,
        ..Options::default()
    };
    let mut compiled = exports(&compilation, &options, output)?;
    if compiled.functions.is_empty() && compiled.services.is_empty() {
        return Err(Failure::new(
            Code::AquaInvalid,
            format!("{} exports nothing", file.display()),
        )
        .fix("write `export name` below its first line"));
    }
    let texts = texts(file, target, &compiled);
    let Some(folder) = folder else {
        let text: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
        return Ok(Report::new(&compiled, text.join("\n")));
    };
    let unwritable = |path: &Path, error: std::io::Error| {
        Failure::new(
            Code::FileUnwritable,
            format!("cannot write {}", path.display()),
        )
        .cause(error)
    };
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let mut lines = String::new();
    for (name, text) in texts {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| unwritable(&path, error))?;
        lines.push_str(&format!("wrote {}\n", path.display()));
        compiled.written.push(path.display().to_string());
    }
    Ok(Report::new(&compiled, lines))
}

fn exports(
    compilation: &Compilation,
    options: &Options,
    output: &Output,
) -> Result<Compiled, Failure> {
    let mut compiled = Compiled {
        functions: Map::new(),
        services: Map::new(),
        written: Vec::new(),
    };
    for file in &compilation.set.entries {
        for export in &compilation.world.module(*file).exports {
            match export.what {
                Exported::Func(id) => {
                    let script = compilation.script(id, options).map_err(|limit| {
                        faults::show_one(compilation, &limit, output);
                        Failure::new(Code::AquaInvalid, limit.message.clone())
                    })?;
                    let ty = &compilation.world.func(id).ty;
                    let about = serde_json::json!({
                        "funcDef": definition::function(&export.name, ty),
                        "script": script,
                    });
                    compiled.functions.insert(export.name.clone(), about);
                }
                Exported::Service(id) => {
                    let about = definition::service(compilation.world.ty(id));
                    compiled.services.insert(export.name.clone(), about);
                }
            }
        }
    }
    Ok(compiled)
}

/// File names and contents.
fn texts(file: &Path, target: CompileTarget, compiled: &Compiled) -> Vec<(String, String)> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    match target {
        CompileTarget::Air => compiled
            .functions
            .iter()
            .map(|(name, about)| {
                let script = about["script"].as_str().unwrap_or_default();
                let text = weir_air::format(script).unwrap_or_else(|_| script.to_owned());
                (format!("{stem}.{name}.air"), text)
            })
            .collect(),
        CompileTarget::Json => {
            let all = serde_json::json!({
                "functions": compiled.functions,
                "services": compiled.services,
            });
            let text = serde_json::to_string_pretty(&all).expect("definitions are JSON");
            vec![(format!("{stem}.json"), text + "\n")]
        }
    }
}
