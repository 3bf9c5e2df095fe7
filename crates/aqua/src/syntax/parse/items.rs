//! The file as a whole, and definitions.

use super::super::token::{Token, TokenKind};
use super::super::tree::{HeaderItem, Item, ItemKind, Member, Name, Tree, TypeExpr, TypeKind};
use super::cursor::Parser;
use super::mistakes::{Case, Opened};
use super::types::arrow;
use super::{Failed, Result};
use crate::diagnostic::codes;
use crate::source::Span;

/// The words that start a definition.
pub(super) const DEFINITIONS: [&str; 6] = ["const", "alias", "data", "ability", "service", "func"];
const HEADER: [&str; 5] = ["aqua", "module", "import", "use", "export"];

impl<'t> Parser<'t> {
    /// The whole file.
    pub fn file(&mut self) -> Tree {
        let mut tree = Tree::default();
        while self.kind() != TokenKind::End {
            let token = self.token();
            let indent = self.indent_before(token);
            let word = self.word().unwrap_or_default();
            if self.is_top_level(token) && HEADER.contains(&word) {
                let mut items = tree.items.iter();
                let is_late = items.any(|item| item.kind != ItemKind::Error);
                self.report_late_header(word, is_late);
                let read = self.header_item();
                match read {
                    // A second name would be reported once more.
                    Ok(HeaderItem::Module { .. })
                        if !tree.items.is_empty() && !tree.header.is_empty() => {}
                    Ok(item) => tree.header.push(item),
                    Err(Failed) => self.recover(),
                }
            } else {
                if !indent.is_empty() && self.is_top_level(token) {
                    self.report_indented_definition(indent);
                }
                tree.items.push(self.item(indent));
            }
            self.end_of_line();
            self.skip_line_end();
        }
        tree
    }

    /// Whether a token starts a definition or a line of the header.
    pub fn is_top_level(&self, token: Token) -> bool {
        self.word_of(token)
            .is_some_and(|word| DEFINITIONS.contains(&word) || HEADER.contains(&word))
    }

    fn item(&mut self, indent: &'t str) -> Item {
        let start = self.span();
        let read = self.item_kind(indent);
        let kind = read.unwrap_or_else(|Failed| {
            self.recover();
            if self.is_deeper(indent) {
                self.leave_out_lines(indent);
            }
            ItemKind::Error
        });
        Item {
            kind,
            span: Span::new(start.start, self.last.end.max(start.start)),
        }
    }

    fn item_kind(&mut self, indent: &'t str) -> Result<ItemKind> {
        match self.word() {
            Some("const") => self.constant(),
            Some("alias") => self.alias(),
            Some("data") => self.data(indent),
            Some("ability") => self.ability(indent),
            Some("service") => self.service(indent),
            Some("func") => self.function(indent),
            _ => Err(self.stray_line(indent)),
        }
    }

    fn constant(&mut self) -> Result<ItemKind> {
        self.bump();
        let name = self.name_of("the name of a constant", Case::Constant)?;
        let replaceable = match self.kind() {
            TokenKind::Assign => false,
            TokenKind::Replaceable => true,
            TokenKind::Question if self.ahead(1).kind == TokenKind::Assign => {
                self.bump();
                true
            }
            TokenKind::ArrowLeft => {
                self.replace("`=`", "=");
                return Ok(ItemKind::Const {
                    name,
                    replaceable: false,
                    value: self.expr_or_error(),
                });
            }
            _ => return Err(self.expected("`=` and the value of the constant")),
        };
        self.bump();
        Ok(ItemKind::Const {
            name,
            replaceable,
            value: self.expr_or_error(),
        })
    }

    fn alias(&mut self) -> Result<ItemKind> {
        self.bump();
        let name = self.name_of("the name of a type", Case::Upper)?;
        if self.kind() == TokenKind::Assign {
            self.replace("`:`", ":");
        } else if self.eat(TokenKind::Colon).is_none() {
            return Err(self.expected("`:` and a type"));
        }
        let ty = self.type_or_error();
        Ok(ItemKind::Alias { name, ty })
    }

    fn data(&mut self, indent: &'t str) -> Result<ItemKind> {
        self.bump();
        let name = self.name_of("the name of a type", Case::Upper)?;
        let fields = self.members(indent, &name, "data", true);
        Ok(ItemKind::Data { name, fields })
    }

    fn ability(&mut self, indent: &'t str) -> Result<ItemKind> {
        self.bump();
        let name = self.name_of("the name of an ability", Case::Upper)?;
        let members = self.members(indent, &name, "ability", false);
        Ok(ItemKind::Ability { name, members })
    }

    fn service(&mut self, indent: &'t str) -> Result<ItemKind> {
        self.bump();
        let name = self.name_of("the name of a service", Case::Upper)?;
        let mut id = None;
        if self.kind() == TokenKind::RoundOpen {
            self.open();
            id = Some(self.expr()?);
            self.expect_close("the id of the service")?;
        }
        let methods = self.members(indent, &name, "service", false);
        Ok(ItemKind::Service { name, id, methods })
    }

    fn function(&mut self, indent: &'t str) -> Result<ItemKind> {
        self.bump();
        let name = self.name_of("the name of a function", Case::Lower)?;
        let signature = self.signature();
        if signature.is_err() {
            self.recover();
        }
        let what = format!("the function `{}`", name.text);
        // Without a signature it is read only for the mistakes in it.
        let (body, _) = self.body(indent, Opened::definition(&what, name.span));
        let Ok(signature) = signature else {
            return Ok(ItemKind::Error);
        };
        Ok(ItemKind::Func {
            name,
            signature,
            body,
        })
    }

    fn members(
        &mut self,
        indent: &'t str,
        name: &Name,
        kind: &str,
        fields_only: bool,
    ) -> Vec<Member> {
        let mut members = Vec::new();
        let what = format!("the {kind} `{}`", name.text);
        self.lines(
            indent,
            Opened::definition(&what, name.span),
            |parser, indent| {
                if let Ok(member) = parser.member(fields_only) {
                    members.push(member);
                    if parser.is_at_line_end() {
                        return;
                    }
                    parser.end_of_line();
                } else {
                    parser.recover();
                }
                if parser.is_deeper(indent) {
                    parser.leave_out_lines(indent);
                }
            },
        );
        members
    }

    fn member(&mut self, fields_only: bool) -> Result<Member> {
        let name = self.name("a name")?;
        let ty = match self.kind() {
            TokenKind::RoundOpen | TokenKind::CurlyOpen | TokenKind::ArrowRight if !fields_only => {
                self.signature().map_or_else(
                    |Failed| {
                        self.recover();
                        TypeExpr {
                            kind: TypeKind::Error,
                            span: name.span,
                        }
                    },
                    arrow,
                )
            }
            TokenKind::Colon | TokenKind::Assign => {
                if self.kind() == TokenKind::Colon {
                    self.bump();
                } else {
                    self.replace("`:`", ":");
                }
                if fields_only {
                    self.basic_type_or_error()
                } else {
                    self.type_or_error()
                }
            }
            _ => {
                let what = format!("`:` and a type after `{}`", name.text);
                return Err(self.expected(&what));
            }
        };
        if self.kind() == TokenKind::Comma {
            self.report_comma();
        }
        Ok(Member { name, ty })
    }

    /// Leaves out the lines that belong to the one before.
    fn leave_out_lines(&mut self, indent: &str) {
        while self.is_deeper(indent) {
            self.skip_line_end();
            self.recover();
        }
    }

    /// A line that is no definition; all such lines that follow are left out with it.
    fn stray_line(&mut self, indent: &'t str) -> Failed {
        let error = self.error(
            codes::SYNTAX,
            format!("expected a definition, found {}", self.found()),
            self.wrong_span(),
        );
        let error = self.advise_definition(error);
        let failed = self.fail(error);
        self.recover();
        while self
            .next_indent()
            .is_some_and(|next| next.len() > indent.len() || !self.is_definition_ahead())
        {
            self.skip_line_end();
            self.recover();
        }
        failed
    }

    /// Whether the next line starts a definition, even if it is misspelled.
    fn is_definition_ahead(&self) -> bool {
        let first = self.after_line_end();
        self.is_top_level(first)
            || self.word_of(first).is_some_and(|word| !is_statement(word))
                && self.second_after_line_end().kind == TokenKind::Word
    }

    fn report_late_header(&mut self, word: &str, is_late: bool) {
        if is_late {
            let error = self.error(
                codes::HEADER,
                format!("`{word}` must stand before the definitions"),
                self.span(),
            );
            self.report(error.help("move the line to the top of the file"));
        }
    }
}

/// Whether a word starts statements.
pub(super) fn is_statement(word: &str) -> bool {
    matches!(
        word,
        "if" | "else" | "for" | "on" | "par" | "co" | "try" | "join" | "return"
    )
}
