//! The lines before the definitions.

use super::super::token::TokenKind;
use super::super::tree::{Declares, HeaderItem, Path, Renamed, StringLiteral};
use super::Result;
use super::cursor::Parser;
use crate::source::Span;

impl Parser<'_> {
    /// A line of the header; the parser is at its keyword.
    pub fn header_item(&mut self) -> Result<HeaderItem> {
        let keyword = self.bump();
        match self.slice(keyword) {
            "aqua" => self.module(keyword, false),
            "module" => self.module(keyword, true),
            "import" => self.import(keyword),
            "use" => self.used(keyword),
            _ => Ok(HeaderItem::Export {
                names: self.renamed_list("the name of a function or a service")?,
                span: keyword.to(self.last),
            }),
        }
    }

    fn module(&mut self, keyword: Span, old: bool) -> Result<HeaderItem> {
        let name = self.path("the name of the module")?;
        let mut declares = None;
        if self.eat_word("declares").is_some() {
            declares = Some(match self.eat(TokenKind::Star) {
                Some(span) => Declares::All(span),
                None => Declares::Names(self.declared_names()?),
            });
        }
        Ok(HeaderItem::Module {
            old,
            name,
            declares,
            span: keyword.to(self.last),
        })
    }

    fn declared_names(&mut self) -> Result<Vec<Path>> {
        let mut names = vec![self.path("`*` or the names that are declared")?];
        while self.eat_list_comma() {
            names.push(self.path("a name after `,`")?);
        }
        Ok(names)
    }

    fn import(&mut self, keyword: Span) -> Result<HeaderItem> {
        let (names, path) = self.imported()?;
        Ok(HeaderItem::Import {
            names,
            path,
            span: keyword.to(self.last),
        })
    }

    fn used(&mut self, keyword: Span) -> Result<HeaderItem> {
        let (names, path) = self.imported()?;
        let mut alias = None;
        if self.eat_word("as").is_some() {
            alias = Some(self.path("a name after `as`")?);
        }
        Ok(HeaderItem::Use {
            names,
            path,
            alias,
            span: keyword.to(self.last),
        })
    }

    /// `"path"` or `a, b from "path"`
    fn imported(&mut self) -> Result<(Option<Vec<Renamed>>, StringLiteral)> {
        if matches!(self.kind(), TokenKind::String | TokenKind::OpenString) {
            return Ok((None, self.string("a path")?));
        }
        let names = self.renamed_list("a path in quotes or names")?;
        if self.eat_word("from").is_none() {
            return Err(self.expected("`from` and a path after the names"));
        }
        let path = self.string("a path in quotes after `from`")?;
        Ok((Some(names), path))
    }

    fn renamed_list(&mut self, what: &str) -> Result<Vec<Renamed>> {
        let mut names = vec![self.renamed(what)?];
        while self.eat_list_comma() {
            names.push(self.renamed("a name after `,`")?);
        }
        Ok(names)
    }

    fn renamed(&mut self, what: &str) -> Result<Renamed> {
        let name = self.path(what)?;
        let mut alias = None;
        if self.eat_word("as").is_some() {
            alias = Some(self.path("a name after `as`")?);
        }
        Ok(Renamed { name, alias })
    }

    /// The comma of a list without brackets, behind which another element follows, possibly in
    /// the next line.
    pub fn eat_list_comma(&mut self) -> bool {
        if self.eat(TokenKind::Comma).is_none() {
            return false;
        }
        if self.kind() == TokenKind::LineEnd {
            let next = self.after_line_end();
            let second = self.second_after_line_end();
            let starts_line = match second.kind {
                TokenKind::Word => !matches!(self.word_of(second), Some("as" | "from")),
                kind => kind == TokenKind::String,
            };
            if next.kind == TokenKind::End || self.is_top_level(next) && starts_line {
                return false;
            }
            self.skip_line_end();
        }
        let is_before_path = self.is_word("from") && self.ahead(1).kind == TokenKind::String;
        self.kind() != TokenKind::End && !is_before_path
    }
}
