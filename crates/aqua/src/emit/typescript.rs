//! TypeScript for clients: a module that calls the exported functions of a file and serves its exported services.
//!
//! For a function `sum(a: u32, b: u32) -> u32` it has the constant `sum_script` and the function `sum(a, b, config?)`,
//! also with the client before the arguments; for a service `Store` the interface `StoreDef` and the function
//! `registerStore`. The calling package brings `@fluencelabs/js-client`. Comments above definitions become TSDoc.
//!
//! The module passes the checks of `tsc` beside version 0.9 of that package. It asks for none, so that another version,
//! whose types differ, does not stop the build of a project.

mod types;

use super::definition;
use super::json::quoted;
use crate::compile::Compilation;
use crate::diagnostic::Diagnostic;
use crate::hir::FuncId;
use crate::lower::Options;
use crate::names::{Exported, TypeDef};
use crate::source::{FileId, Place};
use crate::syntax::{Item, ItemKind};
use crate::types::{Arrow, Ty};
use hashbrown::HashSet;
use std::fmt::Write;

/// The package that calls functions and serves services.
const CLIENT: &str = "@fluencelabs/js-client";

/// The `.ts` of a file. There must be no errors.
///
/// # Errors
/// Says which limit a script exceeds.
pub fn typescript(
    compilation: &Compilation,
    file: FileId,
    options: &Options,
) -> Result<String, Box<Diagnostic>> {
    let mut module = Module {
        compilation,
        names: HashSet::new(),
        text: String::new(),
    };
    for export in &compilation.world.module(file).exports {
        if let Exported::Service(id) = export.what {
            module.service(&export.name, compilation.world.ty(id));
        }
    }
    for export in &compilation.world.module(file).exports {
        if let Exported::Func(id) = export.what {
            let script = compilation.script(id, options)?;
            module.function(&export.name, id, &script);
        }
    }
    Ok(head(compilation, file, &module.text) + &module.text)
}

/// What stands above the definitions: only what they use is imported.
fn head(compilation: &Compilation, file: FileId, definitions: &str) -> String {
    let path = &compilation.set.get(file).path;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut head = format!(
        "/* eslint-disable */\n// @ts-nocheck\n// Made by Weir from {}. Do not edit: changes are lost when it is compiled again.\n",
        name.replace(['\n', '\r'], " ")
    );
    if definitions.is_empty() {
        head.push_str("\nexport {};\n");
        return head;
    }
    let import = |names: [(&str, &str); 2]| {
        let used = names
            .iter()
            .filter(|(_, alias)| definitions.contains(alias));
        let used: Vec<String> = used
            .map(|(name, alias)| format!("{name} as {alias}"))
            .collect();
        used.join(", ")
    };
    let types = import([
        ("IFluenceClient", "IFluenceClient$$"),
        ("ParticleContext", types::CONTEXT),
    ]);
    let values = import([
        ("v5_callFunction", "callFunction$$"),
        ("v5_registerService", "registerService$$"),
    ]);
    let _ = writeln!(head, "\nimport type {{ {types} }} from \"{CLIENT}\";");
    let _ = writeln!(head, "import {{ {values} }} from \"{CLIENT}\";");
    head
}

struct Module<'a> {
    compilation: &'a Compilation,
    /// The names that are taken.
    names: HashSet<String>,
    text: String,
}

impl Module<'_> {
    /// A name that nothing else in the module has.
    fn name(&mut self, wanted: String) -> String {
        types::free(wanted, &mut self.names)
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn service(&mut self, export: &str, def: &TypeDef) {
        let Some(record) = def.ty.members() else {
            return;
        };
        let interface = self.name(format!("{export}Def"));
        let register = self.name(format!("register{export}"));
        self.line("");
        self.docs(def.place, "");
        self.line(&format!("export interface {interface} {{"));
        for (name, ty) in &record.members {
            self.method_docs(def.place, name);
            self.line(&format!("  {name}: {};", types::ty(ty)));
        }
        self.line("}\n");
        let peer = "peer: IFluenceClient$$";
        let id = "serviceId: string";
        let service = format!("service: {interface}");
        let overloads: &[&[&str]] = match def.service_id {
            Some(_) => &[&[], &[id], &[peer], &[peer, id]],
            None => &[&[id], &[peer, id]],
        };
        for before in overloads {
            let params = [*before, &[service.as_str()]].concat().join(", ");
            self.line(&format!("export function {register}({params}): void;"));
        }
        self.line(&format!(
            "export function {register}(...args: any): void {{"
        ));
        let definition = indented(&format!("{:#}", definition::service(def)));
        self.line(&format!("  registerService$$(args, {definition});\n}}"));
    }

    fn function(&mut self, export: &str, id: FuncId, script: &str) {
        let def = self.compilation.world.func(id);
        let mut called = export.to_owned();
        if types::is_reserved(&called) {
            called.push('_');
        }
        let called = self.name(called);
        let constant = self.name(format!("{called}_script"));
        self.line(&format!(
            "\nexport const {constant} = {};\n",
            quoted(script)
        ));
        let params = self.params(export, &def.ty);
        let result = self.result(export, &def.ty);
        for client in [None, Some("peer: IFluenceClient$$")] {
            self.docs(def.place, "");
            self.line(&format!("export function {called}("));
            let config = "config?: { ttl?: number }";
            for param in client.into_iter().chain(params.iter().map(String::as_str)) {
                self.line(&format!("  {param},"));
            }
            self.line(&format!("  {config},\n): Promise<{result}>;\n"));
        }
        self.line(&format!("export function {called}(...args: any): any {{"));
        let definition = indented(&format!("{:#}", definition::function(export, &def.ty)));
        self.line(&format!(
            "  return callFunction$$(args, {definition}, {constant});\n}}"
        ));
    }

    /// The parameters; types of structs among them get names.
    fn params(&mut self, export: &str, ty: &Arrow) -> Vec<String> {
        let mut names = HashSet::from(["peer".to_owned(), "config".to_owned()]);
        let mut params = Vec::new();
        for (param, ty) in &ty.params {
            let param = param.as_deref().unwrap_or("arg");
            let written = match ty {
                Ty::Struct(_) => {
                    let name = format!("{}Arg{}", capitalised(export), capitalised(param));
                    self.named_type(name, &types::ty(ty))
                }
                _ => types::ty(ty),
            };
            params.push(format!("{}: {written}", types::param(param, &mut names)));
        }
        params
    }

    /// What a call gives; a struct and several results get a name.
    fn result(&mut self, export: &str, ty: &Arrow) -> String {
        match ty.results.as_slice() {
            [] => "void".to_owned(),
            [ty] if !matches!(ty, Ty::Struct(_)) => types::ty(ty),
            results => {
                let written = match results {
                    [ty] => types::ty(ty),
                    _ => format!("[{}]", types::list(results.iter().map(types::ty))),
                };
                self.named_type(format!("{}Result", capitalised(export)), &written)
            }
        }
    }

    fn named_type(&mut self, wanted: String, written: &str) -> String {
        let name = self.name(wanted);
        self.line(&format!("export type {name} = {written};\n"));
        name
    }

    /// The comments above a definition as TSDoc.
    fn docs(&mut self, place: Place, indent: &str) {
        if let Some(item) = self.item(place) {
            self.docs_at(place.file, item.span.start, indent);
        }
    }

    fn method_docs(&mut self, place: Place, method: &str) {
        let Some(Item {
            kind: ItemKind::Service { methods, .. },
            ..
        }) = self.item(place)
        else {
            return;
        };
        let found = methods.iter().find(|member| member.name.text == method);
        if let Some(start) = found.map(|member| member.name.span.start) {
            self.docs_at(place.file, start, "  ");
        }
    }

    fn docs_at(&mut self, file: FileId, start: u32, indent: &str) {
        let source = self.compilation.set.get(file);
        let docs = source.parsed.docs(&source.text, start);
        match docs.as_slice() {
            [] => {}
            [line] => self.line(&format!("{indent}/** {} */", escaped(line))),
            lines => {
                let lines: Vec<String> = lines
                    .iter()
                    .map(|line| {
                        format!("{indent} * {}", escaped(line))
                            .trim_end()
                            .to_owned()
                    })
                    .collect();
                self.line(&format!("{indent}/**\n{}\n{indent} */", lines.join("\n")));
            }
        }
    }

    /// The definition whose name stands there.
    fn item(&self, place: Place) -> Option<&Item> {
        let items = &self.compilation.set.get(place.file).parsed.tree.items;
        items
            .iter()
            .find(|item| item.span.start <= place.span.start && place.span.end <= item.span.end)
    }
}

/// A comment cannot end in the middle of its text.
fn escaped(line: &str) -> String {
    line.replace("*/", "*\\/")
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// A value that goes on in lines below its first one.
fn indented(json: &str) -> String {
    json.replace('\n', "\n  ")
}
