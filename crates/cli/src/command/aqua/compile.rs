//! `weir aqua compile`: what a program exports, for clients.

use super::{faults, sources};
use crate::args::{CompileTarget, Sources};
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::Path;
use weir_aqua::Compilation;
use weir_aqua::emit::{Json, definition, typescript};
use weir_aqua::lower::Options;
use weir_aqua::names::Exported;

#[derive(Serialize)]
struct Compiled {
    /// By name.
    functions: BTreeMap<String, Function>,
    /// By name: definition.
    services: BTreeMap<String, Box<RawValue>>,
    /// The files that were written.
    written: Vec<String>,
}

#[derive(Serialize)]
struct Function {
    #[serde(rename = "funcDef")]
    definition: Box<RawValue>,
    script: String,
}

fn raw(definition: &Json) -> Box<RawValue> {
    RawValue::from_string(definition.to_string()).expect("definitions are written as JSON")
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
    let texts = texts(file, target, &compiled, &compilation, &options, output)?;
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
        functions: BTreeMap::new(),
        services: BTreeMap::new(),
        written: Vec::new(),
    };
    for file in &compilation.set.entries {
        for export in &compilation.world.module(*file).exports {
            match export.what {
                Exported::Func(id) => {
                    let script = compilation
                        .script(id, options)
                        .map_err(|problem| faults::unscripted(compilation, &problem, output))?;
                    let ty = &compilation.world.func(id).ty;
                    let definition = raw(&definition::function(&export.name, ty));
                    compiled
                        .functions
                        .insert(export.name.clone(), Function { definition, script });
                }
                Exported::Service(id) => {
                    let about = raw(&definition::service(compilation.world.ty(id)));
                    compiled.services.insert(export.name.clone(), about);
                }
            }
        }
    }
    Ok(compiled)
}

/// File names and contents.
fn texts(
    file: &Path,
    target: CompileTarget,
    compiled: &Compiled,
    compilation: &Compilation,
    options: &Options,
    output: &Output,
) -> Result<Vec<(String, String)>, Failure> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(match target {
        CompileTarget::Air => compiled
            .functions
            .iter()
            .map(|(name, Function { script, .. })| {
                let text = weir_air::format(script).unwrap_or_else(|_| script.clone());
                (format!("{stem}.{name}.air"), text)
            })
            .collect(),
        CompileTarget::Json => {
            let all = Definitions {
                functions: &compiled.functions,
                services: &compiled.services,
            };
            let text = serde_json::to_string_pretty(&all).expect("definitions are JSON");
            vec![(format!("{stem}.json"), text + "\n")]
        }
        CompileTarget::Ts => {
            let entry = compilation.set.entries[0];
            let text = typescript(compilation, entry, options)
                .map_err(|problem| faults::unscripted(compilation, &problem, output))?;
            vec![(format!("{stem}.ts"), text)]
        }
    })
}

/// What `--target json` writes.
#[derive(Serialize)]
struct Definitions<'a> {
    functions: &'a BTreeMap<String, Function>,
    services: &'a BTreeMap<String, Box<RawValue>>,
}
