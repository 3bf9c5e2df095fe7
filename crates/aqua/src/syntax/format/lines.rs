//! The lines of a file: its header, definitions, members and statements.

use super::super::Parsed;
use super::super::tree::{
    Block, Declares, Expr, ForItem, ForMode, HeaderItem, Item, ItemKind, Member, Name, Path,
    Renamed, Stmt, StmtKind, TypeKind,
};
use super::INDENT;
use super::comments::Comments;
use super::layout;
use super::print::{Pieces, Printer, push};
use crate::source::Span;

/// Writes a file.
pub(super) fn file(text: &str, parsed: &Parsed) -> String {
    let comments = Comments::new(text, &parsed.tokens);
    let mut writer = Writer {
        text,
        out: String::with_capacity(text.len()),
        depth: 0,
        at_block_start: true,
        must_be_apart: false,
        last_end: 0,
        printer: Printer { comments },
    };
    writer.file(parsed);
    writer.out
}

struct Writer<'t> {
    text: &'t str,
    out: String,
    depth: usize,
    /// Whether nothing is written in the block yet, so that no blank line may come.
    at_block_start: bool,
    /// Whether a blank line must come before the next line.
    must_be_apart: bool,
    /// Where the last line that is written ends in the old text.
    last_end: u32,
    printer: Printer<'t>,
}

/// A line of the file and what it looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Module,
    Header,
    OneLine,
    Block,
}

impl<'t> Writer<'t> {
    fn file(&mut self, parsed: &Parsed) {
        let mut before = None;
        for item in &parsed.tree.header {
            let kind = match item {
                HeaderItem::Module { .. } => Kind::Module,
                _ => Kind::Header,
            };
            self.must_be_apart =
                before == Some(Kind::Module) || before.is_some() && kind == Kind::Module;
            before = Some(kind);
            let span = header_span(item);
            let mut pieces = Vec::new();
            push(&mut pieces, &header_item(item));
            self.line(span, &pieces);
        }
        for item in &parsed.tree.items {
            let kind = match item.kind {
                ItemKind::Const { .. } | ItemKind::Alias { .. } => Kind::OneLine,
                _ => Kind::Block,
            };
            self.must_be_apart =
                before.is_some_and(|before| before != Kind::OneLine || kind != Kind::OneLine);
            before = Some(kind);
            self.item(item);
        }
        self.must_be_apart = false;
        let end = self.text.len() as u32;
        self.comments_before(end);
    }

    fn item(&mut self, item: &Item) {
        let start = item.span.start;
        let mut pieces = Vec::new();
        match &item.kind {
            ItemKind::Error => {}
            ItemKind::Const {
                name,
                replaceable,
                value,
            } => {
                let sign = if *replaceable { "?=" } else { "=" };
                push(&mut pieces, &format!("const {} {sign} ", name.text));
                self.printer.expr(value, &mut pieces);
                self.line(item.span, &pieces);
            }
            ItemKind::Alias { name, ty } => {
                push(&mut pieces, &format!("alias {}: ", name.text));
                self.printer.ty(ty, &mut pieces);
                self.line(item.span, &pieces);
            }
            ItemKind::Data { name, fields } => self.members("data", start, name, None, fields),
            ItemKind::Ability { name, members } => {
                self.members("ability", start, name, None, members);
            }
            ItemKind::Service { name, id, methods } => {
                self.members("service", start, name, id.as_ref(), methods);
            }
            ItemKind::Func {
                name,
                signature,
                body,
            } => {
                push(&mut pieces, &format!("func {}", name.text));
                self.printer.signature(signature, &mut pieces);
                push(&mut pieces, ":");
                self.line(Span::new(start, signature.span.end), &pieces);
                self.block(start, body);
            }
        }
    }

    fn members(
        &mut self,
        keyword: &str,
        start: u32,
        name: &Name,
        id: Option<&Expr>,
        members: &[Member],
    ) {
        let mut pieces = Vec::new();
        push(&mut pieces, &format!("{keyword} {}", name.text));
        let mut end = name.span.end;
        if let Some(id) = id {
            push(&mut pieces, "(");
            self.printer.expr(id, &mut pieces);
            push(&mut pieces, ")");
            end = id.span.end;
        }
        push(&mut pieces, ":");
        self.line(Span::new(start, end), &pieces);
        self.enter();
        for member in members {
            self.member(member);
        }
        self.leave(start);
    }

    fn member(&mut self, member: &Member) {
        let span = member.name.span.to(member.ty.span);
        let between = &self.text[member.name.span.end as usize..member.ty.span.start as usize];
        let mut pieces = Vec::new();
        push(&mut pieces, &member.name.text);
        match &member.ty.kind {
            TypeKind::Arrow(signature) if !between.contains(':') => {
                self.printer.signature(signature, &mut pieces);
            }
            _ => {
                push(&mut pieces, ": ");
                self.printer.ty(&member.ty, &mut pieces);
            }
        }
        self.line(span, &pieces);
    }

    /// The statements that belong to the line in which something starts.
    fn block(&mut self, header: u32, block: &Block) {
        self.enter();
        for stmt in &block.stmts {
            self.stmt(stmt, stmt.span.start, "");
        }
        self.leave(header);
    }

    fn enter(&mut self) {
        self.depth += 1;
        self.at_block_start = true;
    }

    /// Writes the comments at the end of a block, which are those that are indented more than its header.
    fn leave(&mut self, header: u32) {
        let comments = &self.printer.comments;
        let indent = comments.indent_of(header);
        let end = comments.next_code(comments.line_end(self.last_end));
        while let Some(comment) = self.printer.comments.peek_in(0, end)
            && self.printer.comments.indent_of(comment.start) > indent
        {
            self.comment(comment);
        }
        self.depth -= 1;
        self.at_block_start = false;
    }

    /// A statement, what stands before it in its line, and where that starts.
    fn stmt(&mut self, stmt: &Stmt, start: u32, before: &str) {
        let mut pieces = Vec::new();
        push(&mut pieces, before);
        let out = &mut pieces;
        let printer = &mut self.printer;
        let body = match &stmt.kind {
            StmtKind::Error => None,
            StmtKind::Return(values) => {
                push(out, "<- ");
                printer.exprs(values, out);
                None
            }
            StmtKind::ServiceId { service, id } => {
                push(out, &service.text());
                push(out, " ");
                printer.expr(id, out);
                None
            }
            StmtKind::Push { target, values } => {
                push(out, &target.text);
                push(out, " <<- ");
                printer.exprs(values, out);
                None
            }
            StmtKind::For {
                item,
                iterable,
                mode,
                body,
            } => {
                push(out, "for ");
                for_item(item, out);
                printer.expr(iterable, out);
                push(
                    out,
                    match mode {
                        ForMode::Seq => "",
                        ForMode::Par => " par",
                        ForMode::Try => " try",
                        ForMode::Rec => " rec",
                    },
                );
                Some(body)
            }
            StmtKind::Parseq {
                item,
                iterable,
                peer,
                via,
                body,
            } => {
                push(out, "parseq ");
                for_item(item, out);
                printer.expr(iterable, out);
                push(out, " on ");
                printer.place(peer, via, out);
                Some(body)
            }
            StmtKind::On { peer, via, body } => {
                push(out, "on ");
                printer.place(peer, via, out);
                Some(body)
            }
            StmtKind::If { condition, body } => {
                push(out, "if ");
                printer.expr(condition, out);
                Some(body)
            }
            StmtKind::Else { body } => {
                push(out, "else");
                if let Some((first, others)) = body.stmts.split_first()
                    && first.span.start < stmt.span.end
                {
                    self.stmt(first, start, "else ");
                    for stmt in others {
                        self.stmt(stmt, stmt.span.start, "");
                    }
                    return;
                }
                Some(body)
            }
            StmtKind::Try { body } => {
                push(out, "try");
                Some(body)
            }
            StmtKind::Catch { error, body } => {
                push(out, "catch ");
                push(out, &error.text);
                Some(body)
            }
            StmtKind::Otherwise { body } => {
                push(out, "otherwise");
                Some(body)
            }
            StmtKind::Par(inner) => return self.stmt(inner, start, &format!("{before}par ")),
            StmtKind::Co(inner) => return self.stmt(inner, start, &format!("{before}co ")),
            StmtKind::Join(values) => {
                push(out, "join ");
                printer.exprs(values, out);
                None
            }
            StmtKind::Declare { name, ty } => {
                push(out, &name.text);
                push(out, ": ");
                printer.ty(ty, out);
                None
            }
            StmtKind::Closure {
                name,
                moves,
                signature,
                body,
            } => {
                push(out, &name.text);
                push(out, if *moves { " = func " } else { " = " });
                printer.signature(signature, out);
                Some(body)
            }
            StmtKind::Assign { target, value } => {
                push(out, &target.text);
                push(out, " = ");
                printer.expr(value, out);
                None
            }
            StmtKind::Call { targets, value } => {
                for (index, target) in targets.iter().enumerate() {
                    push(out, if index == 0 { "" } else { ", " });
                    push(out, &target.text);
                }
                push(out, if targets.is_empty() { "" } else { " <- " });
                printer.expr(value, out);
                None
            }
        };
        if body.is_some() {
            push(&mut pieces, ":");
        }
        self.line(Span::new(start, stmt.span.end), &pieces);
        if let Some(body) = body {
            self.block(start, body);
        }
    }

    /// Writes a line, the comments that are not written yet above it, and the one behind it.
    fn line(&mut self, span: Span, pieces: &Pieces<'t>) {
        self.comments_before(span.start);
        let above = self.printer.comments.take_all_in(span.start, span.end);
        self.blank_line(span.start);
        for comment in above {
            self.indent();
            self.out.push_str(comment);
            self.out.push('\n');
        }
        self.indent();
        layout::write(&mut self.out, pieces, self.depth * INDENT, 0);
        let line_end = self.printer.comments.line_end(span.end);
        if let Some(comment) = self.printer.comments.take_behind(span.end, line_end) {
            self.out.push(' ');
            self.out.push_str(comment);
        }
        self.out.push('\n');
        self.last_end = span.end;
    }

    fn comments_before(&mut self, end: u32) {
        while let Some(comment) = self.printer.comments.peek_in(0, end) {
            self.comment(comment);
        }
    }

    fn comment(&mut self, span: Span) {
        self.printer.comments.take_in(span.start, span.end);
        self.blank_line(span.start);
        self.indent();
        self.out.push_str(self.printer.comments.text_of(span));
        self.out.push('\n');
    }

    /// Leaves a line empty before what starts somewhere, if one is to be or was left so.
    fn blank_line(&mut self, start: u32) {
        let was_apart = !self.at_block_start && self.printer.comments.is_blank_before(start);
        if self.must_be_apart || was_apart {
            self.out.push('\n');
        }
        self.must_be_apart = false;
        self.at_block_start = false;
    }

    fn indent(&mut self) {
        self.out
            .extend(std::iter::repeat_n(' ', self.depth * INDENT));
    }
}

impl<'t> Printer<'t> {
    fn place(&mut self, peer: &Expr, via: &[Expr], out: &mut Pieces<'t>) {
        self.expr(peer, out);
        for relay in via {
            push(out, " via ");
            self.expr(relay, out);
        }
    }
}

fn for_item(item: &ForItem, out: &mut Pieces) {
    push(out, &item.first.text);
    if let Some(second) = &item.second {
        push(out, ", ");
        push(out, &second.text);
    }
    push(out, " <- ");
}

fn header_span(item: &HeaderItem) -> Span {
    match item {
        HeaderItem::Module { span, .. }
        | HeaderItem::Import { span, .. }
        | HeaderItem::Use { span, .. }
        | HeaderItem::Export { span, .. } => *span,
    }
}

fn header_item(item: &HeaderItem) -> String {
    match item {
        HeaderItem::Module {
            old,
            name,
            declares,
            ..
        } => {
            let word = if *old { "module" } else { "aqua" };
            let declares = match declares {
                None => String::new(),
                Some(Declares::All(_)) => " declares *".to_owned(),
                Some(Declares::Names(names)) => {
                    let names: Vec<String> = names.iter().map(Path::text).collect();
                    format!(" declares {}", names.join(", "))
                }
            };
            format!("{word} {}{declares}", name.text())
        }
        HeaderItem::Import { names, path, .. } => {
            format!("import {}\"{}\"", from(names.as_deref()), path.text)
        }
        HeaderItem::Use {
            names, path, alias, ..
        } => {
            let alias = alias.as_ref().map(|alias| format!(" as {}", alias.text()));
            format!(
                "use {}\"{}\"{}",
                from(names.as_deref()),
                path.text,
                alias.unwrap_or_default()
            )
        }
        HeaderItem::Export { names, .. } => format!("export {}", renamed_list(names)),
    }
}

fn from(names: Option<&[Renamed]>) -> String {
    names.map_or(String::new(), |names| {
        format!("{} from ", renamed_list(names))
    })
}

fn renamed_list(names: &[Renamed]) -> String {
    let names = names.iter().map(|renamed| match &renamed.alias {
        Some(alias) => format!("{} as {}", renamed.name.text(), alias.text()),
        None => renamed.name.text(),
    });
    names.collect::<Vec<_>>().join(", ")
}
