//! What is said about the place under the pointer: definition, type, and the peer that runs it.

use crate::analysis::Analysis;
use crate::index::What;
use crate::{describe, scope};
use weir_aqua::types::Ty;
use weir_aqua::{FileId, Place};

/// Markdown about an offset, and the place that it is about.
pub fn hover(analysis: &Analysis, file: FileId, offset: u32) -> Option<(Place, String)> {
    let source = analysis.file(file);
    let index = analysis.index();
    let mut sections = Vec::new();
    let mut shown = None;
    let mut runs = false;
    let mut is_module = false;
    if let Some((place, targets)) = index.at(file, offset) {
        for target in &targets {
            let Some(what) = index.definition(*target) else {
                continue;
            };
            let code = describe::signature(analysis, what);
            sections.push(format!("```aqua\n{code}\n```"));
            is_module |= matches!(what, What::Module(_));
            let commented = describe::commented(analysis, what, *target);
            sections.push(describe::docs(analysis, commented));
        }
        shown = Some(place);
        runs = !is_module && !targets.contains(&place);
    } else if let Some((place, ty)) = index.value_at(file, offset) {
        let text = analysis.text(place);
        match describe::builtin(text) {
            Some((code, docs)) => {
                sections.push(format!("```aqua\n{code}\n```"));
                sections.push(docs.to_owned());
            }
            None if *ty == Ty::Error => return None,
            None => sections.push(format!("```aqua\n{ty}\n```")),
        }
        shown = Some(place);
        runs = true;
    }
    let shown = shown?;
    sections.retain(|section| !section.is_empty());
    if sections.is_empty() {
        return None;
    }
    let scope = scope::at(&source.parsed.tree, &source.text, offset);
    // in the first line of a function nothing runs
    let in_body = index.value_at(file, offset).is_some();
    if runs && in_body && scope.function.is_some() {
        sections.push(format!("*{}*", scope.peer(&source.text)));
    }
    Some((shown, sections.join("\n\n")))
}
