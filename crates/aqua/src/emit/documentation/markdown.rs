//! Pages in Markdown. Comments stand in them as they are.

use super::Chapter;
use super::model::{Document, Entry, Field, Link, Piece};

/// The page of a file.
pub(super) fn page(document: &Document) -> String {
    let mut writer = Writer::default();
    writer.paragraph(&format!("# {}", literally(&document.title)));
    writer.docs(&document.docs);
    for part in &document.parts {
        writer.paragraph(&format!("## {}", part.title));
        for entry in &part.entries {
            writer.entry(entry);
        }
    }
    writer.text
}

/// The page that leads to the others.
pub(super) fn index(title: &str, chapters: &[Chapter<'_>]) -> String {
    let mut writer = Writer::default();
    writer.paragraph(&format!("# {title}"));
    let lines = chapters.iter().map(|chapter| {
        let link = format!("- [{}]({})", literally(chapter.title), chapter.target);
        format!("{link}{}", behind(&chapter.summary))
    });
    let lines: Vec<String> = lines.collect();
    writer.paragraph(&lines.join("\n"));
    writer.text
}

/// A comment as the end of a line.
fn behind(docs: &str) -> String {
    if docs.is_empty() {
        return String::new();
    }
    format!(" – {}", docs.replace('\n', " "))
}

/// A text that is not Markdown: the name of a file.
fn literally(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\`*[]<>&".contains(c) {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

#[derive(Default)]
struct Writer {
    text: String,
}

impl Writer {
    /// Adds what stands between empty lines.
    fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn code(&mut self, code: &str) {
        // a fence is longer than any row of backticks inside
        let mut fence = "```".to_owned();
        while code.contains(&fence) {
            fence.push('`');
        }
        self.paragraph(&format!("{fence}aqua\n{code}\n{fence}"));
    }

    fn docs(&mut self, docs: &str) {
        if !docs.is_empty() {
            self.paragraph(docs);
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.paragraph(&format!("### {} {}", entry.kind, entry.name));
        if let Some(code) = &entry.code {
            self.code(code);
        }
        if let Some(name) = &entry.export {
            self.paragraph(&format!("Exported as `{name}`."));
        }
        self.docs(&entry.docs);
        self.types(&entry.types);
        if !entry.fields.is_empty() {
            let list: Vec<String> = entry.fields.iter().map(field).collect();
            self.paragraph(&list.join("\n"));
        }
        for member in &entry.members {
            self.paragraph(&format!("#### {}", member.name));
            self.code(&member.code);
            self.docs(&member.docs);
            self.types(&member.types);
        }
    }

    fn types(&mut self, types: &[Link]) {
        if !types.is_empty() {
            let links: Vec<String> = types.iter().map(link).collect();
            self.paragraph(&format!("Types: {}", links.join(", ")));
        }
    }
}

fn link(link: &Link) -> String {
    format!("[`{}`]({})", link.text, link.target)
}

fn field(field: &Field) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Code(text) => format!("`{text}`"),
        Piece::Link(to) => link(to),
    };
    let ty: String = field.ty.iter().map(piece).collect();
    format!("- `{}`: {ty}{}", field.name, behind(&field.docs))
}
