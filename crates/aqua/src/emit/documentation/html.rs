//! Pages in HTML. Each stands alone: it holds its style and loads nothing.

mod comments;

use super::Chapter;
use super::model::{Document, Entry, Field, Link, Method, Piece};

const STYLE: &str = include_str!("html/style.css");

/// The page of a file; `index` is where the page that leads to all is, if there is one.
pub(super) fn page(document: &Document, index: Option<&str>) -> String {
    let mut writer = Writer::new(&document.title);
    writer.contents(document, index);
    writer.line("<main>");
    writer.element("h1", &document.title);
    writer.docs(&document.docs, 1);
    for part in &document.parts {
        let id = part.title.to_lowercase();
        writer.line(&format!("<section id=\"{id}\">"));
        writer.element("h2", part.title);
        for entry in &part.entries {
            writer.entry(entry);
        }
        writer.line("</section>");
    }
    writer.line("</main>");
    writer.end()
}

/// The page that leads to the others.
pub(super) fn index(title: &str, chapters: &[Chapter<'_>]) -> String {
    let mut writer = Writer::new(title);
    writer.line("<main>");
    writer.element("h1", title);
    writer.line("<dl>");
    for chapter in chapters {
        let link = anchor(chapter.target, &escaped(chapter.title));
        writer.line(&format!("<dt>{link}</dt>"));
        writer.line("<dd>");
        writer.docs(&chapter.summary, 1);
        writer.line("</dd>");
    }
    writer.line("</dl>");
    writer.line("</main>");
    writer.end()
}

/// A text as HTML, between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A link around HTML.
fn anchor(target: &str, html: &str) -> String {
    format!("<a href=\"{}\">{html}</a>", escaped(target))
}

struct Writer {
    text: String,
}

impl Writer {
    fn new(title: &str) -> Self {
        let mut writer = Self {
            text: String::new(),
        };
        writer.line("<!DOCTYPE html>");
        writer.line("<html lang=\"en\">");
        writer.line("<head>");
        writer.line("<meta charset=\"utf-8\">");
        writer.line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        writer.element("title", title);
        writer.line(&format!("<style>\n{STYLE}</style>"));
        writer.line("</head>");
        writer.line("<body>");
        writer
    }

    fn end(mut self) -> String {
        self.line("</body>");
        self.line("</html>");
        self.text
    }

    fn line(&mut self, html: &str) {
        self.text.push_str(html);
        self.text.push('\n');
    }

    fn element(&mut self, tag: &str, text: &str) {
        self.line(&format!("<{tag}>{}</{tag}>", escaped(text)));
    }

    /// Links to all that the page describes.
    fn contents(&mut self, document: &Document, index: Option<&str>) {
        self.line("<nav>");
        if let Some(index) = index {
            self.line(&format!("<p>{}</p>", anchor(index, "All pages")));
        }
        for part in &document.parts {
            let id = part.title.to_lowercase();
            self.line(&format!("<p>{}</p>", anchor(&format!("#{id}"), part.title)));
            self.line("<ul>");
            for entry in &part.entries {
                let link = anchor(&format!("#{}", entry.anchor), &escaped(&entry.name));
                self.line(&format!("<li>{link}</li>"));
            }
            self.line("</ul>");
        }
        self.line("</nav>");
    }

    /// A comment that stands below a heading of that level.
    fn docs(&mut self, docs: &str, level: usize) {
        self.text.push_str(&comments::html(docs, level));
    }

    fn code(&mut self, code: &str) {
        self.line(&format!("<pre><code>{}</code></pre>", escaped(code)));
    }

    /// A heading that leads to itself.
    fn heading(&mut self, level: usize, id: &str, html: &str) {
        let link = anchor(&format!("#{id}"), html);
        self.line(&format!("<h{level}>{link}</h{level}>"));
    }

    fn entry(&mut self, entry: &Entry) {
        let id = escaped(&entry.anchor);
        self.line(&format!("<article id=\"{id}\">"));
        let name = escaped(&entry.name);
        self.heading(
            3,
            &entry.anchor,
            &format!("<span>{}</span> {name}", entry.kind),
        );
        if let Some(code) = &entry.code {
            self.code(code);
        }
        if let Some(name) = &entry.export {
            self.line(&format!(
                "<p>Exported as <code>{}</code>.</p>",
                escaped(name)
            ));
        }
        self.docs(&entry.docs, 3);
        self.types(&entry.types);
        if !entry.fields.is_empty() {
            self.line("<dl>");
            for field in &entry.fields {
                self.field(entry, field);
            }
            self.line("</dl>");
        }
        for member in &entry.members {
            self.member(entry, member);
        }
        self.line("</article>");
    }

    fn types(&mut self, types: &[Link]) {
        if !types.is_empty() {
            let links: Vec<String> = types.iter().map(link).collect();
            self.line(&format!("<p>Types: {}</p>", links.join(", ")));
        }
    }

    fn field(&mut self, entry: &Entry, field: &Field) {
        let piece = |piece: &Piece| match piece {
            Piece::Code(text) => format!("<code>{}</code>", escaped(text)),
            Piece::Link(to) => link(to),
        };
        let ty: String = field.ty.iter().map(piece).collect();
        let id = escaped(&inside(entry, &field.name));
        let name = escaped(&field.name);
        self.line(&format!("<dt id=\"{id}\"><code>{name}</code>: {ty}</dt>"));
        if !field.docs.is_empty() {
            self.line("<dd>");
            self.docs(&field.docs, 3);
            self.line("</dd>");
        }
    }

    fn member(&mut self, entry: &Entry, member: &Method) {
        let id = inside(entry, &member.name);
        self.line(&format!("<section id=\"{}\">", escaped(&id)));
        self.heading(4, &id, &escaped(&member.name));
        self.code(&member.code);
        self.docs(&member.docs, 4);
        self.types(&member.types);
        self.line("</section>");
    }
}

/// The anchor of a field or member.
fn inside(entry: &Entry, name: &str) -> String {
    format!("{}.{name}", entry.anchor)
}

fn link(link: &Link) -> String {
    anchor(
        &link.target,
        &format!("<code>{}</code>", escaped(&link.text)),
    )
}
