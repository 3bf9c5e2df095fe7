//! Types and signatures.

use super::super::token::TokenKind;
use super::super::tree::{Param, Path, Signature, TypeExpr, TypeKind};
use super::cursor::Parser;
use super::{Failed, LEVELS_MAX, Result};
use crate::diagnostic::codes;
use crate::source::Span;

/// Makes a type from the one behind a prefix such as `[]`.
type Prefix = fn(Box<TypeExpr>) -> TypeKind;

impl Parser<'_> {
    /// A type of any form; what cannot be read is left out up to the end of the line.
    pub fn type_or_error(&mut self) -> TypeExpr {
        let start = self.wrong_span();
        self.ty().unwrap_or_else(|_| {
            self.recover();
            TypeExpr {
                kind: TypeKind::Error,
                span: start,
            }
        })
    }

    /// A type that is not a bare arrow.
    pub fn basic_type_or_error(&mut self) -> TypeExpr {
        let start = self.wrong_span();
        self.basic_type().unwrap_or_else(|_| {
            self.recover();
            TypeExpr {
                kind: TypeKind::Error,
                span: start,
            }
        })
    }

    /// A type of any form.
    pub fn ty(&mut self) -> Result<TypeExpr> {
        self.enter(|levels| &mut levels.types, "types")?;
        let ty = self.any_type();
        self.levels.types -= 1;
        ty
    }

    fn any_type(&mut self) -> Result<TypeExpr> {
        let start = self.span();
        if self.kind() == TokenKind::RoundOpen {
            if self.is_at_signature() {
                let signature = self.signature()?;
                return Ok(arrow(signature));
            }
            let inner = self.parenthesised_type()?;
            if self.kind() != TokenKind::ArrowRight {
                return Ok(inner);
            }
            return self.arrow_type(start, Vec::new(), vec![inner]);
        }
        let abilities = self.abilities()?;
        if self.kind() == TokenKind::ArrowRight {
            return self.arrow_type(start, abilities, Vec::new());
        }
        if !abilities.is_empty() && self.is_at_signature() {
            let mut signature = self.signature()?;
            signature.abilities = abilities;
            signature.span = start.to(signature.span);
            return Ok(arrow(signature));
        }
        let mut params = vec![self.basic_type()?];
        while self.kind() == TokenKind::Comma && !self.is_param_after_comma() {
            self.bump();
            self.skip_line_end();
            params.push(self.basic_type()?);
        }
        if self.kind() == TokenKind::ArrowRight {
            return self.arrow_type(start, abilities, params);
        }
        if params.len() > 1 || !abilities.is_empty() {
            return Err(self.expected("`->` after the argument types of an arrow"));
        }
        Ok(params.remove(0))
    }

    /// Whether `, name:` or a trailing comma follows: the list of the arguments goes on or ends.
    fn is_param_after_comma(&self) -> bool {
        self.is_in_brackets()
            && (self.ahead(1).kind.closes()
                || self.ahead(1).kind == TokenKind::Word && self.ahead(2).kind == TokenKind::Colon)
    }

    fn arrow_type(
        &mut self,
        start: Span,
        abilities: Vec<Path>,
        params: Vec<TypeExpr>,
    ) -> Result<TypeExpr> {
        self.bump();
        let results = self.results()?;
        Ok(arrow(Signature {
            abilities,
            params: params.into_iter().map(unnamed).collect(),
            results,
            span: start.to(self.last),
        }))
    }

    fn parenthesised_type(&mut self) -> Result<TypeExpr> {
        self.open();
        let ty = self.ty()?;
        self.expect_close("the type")?;
        Ok(ty)
    }

    /// What stands behind `->`.
    fn results(&mut self) -> Result<Vec<TypeExpr>> {
        self.enter(|levels| &mut levels.types, "types")?;
        let results = self.result_list();
        self.levels.types -= 1;
        results
    }

    fn result_list(&mut self) -> Result<Vec<TypeExpr>> {
        if self.kind() == TokenKind::RoundOpen && self.ahead(1).kind == TokenKind::RoundClose {
            self.open();
            self.expect_close("`(`")?;
            return Ok(Vec::new());
        }
        let mut results: Vec<TypeExpr> = Vec::new();
        // A bare arrow takes as its arguments all types since the last one in parentheses.
        let mut bare = 0;
        loop {
            if self.kind() == TokenKind::RoundOpen && !self.is_at_signature() {
                results.push(self.parenthesised_type()?);
                bare = results.len();
            } else if matches!(
                self.kind(),
                TokenKind::ArrowRight | TokenKind::CurlyOpen | TokenKind::RoundOpen
            ) && bare == results.len()
            {
                results.push(self.ty()?);
                return Ok(results);
            } else {
                results.push(self.basic_type()?);
            }
            if self.kind() == TokenKind::ArrowRight && bare < results.len() {
                let params = results.split_off(bare);
                let start = params[0].span;
                // As deep as in parentheses, so that they can be added.
                self.enter(|levels| &mut levels.types, "types")?;
                let arrow = self.arrow_type(start, Vec::new(), params);
                self.levels.types -= 1;
                results.push(arrow?);
                return Ok(results);
            }
            if self.kind() != TokenKind::Comma || self.is_param_after_comma() {
                return Ok(results);
            }
            self.bump();
            self.skip_line_end();
        }
    }

    /// A type that is not a bare arrow.
    pub fn basic_type(&mut self) -> Result<TypeExpr> {
        let mut prefixes: Vec<(Prefix, Span)> = Vec::new();
        loop {
            let span = self.span();
            match self.kind() {
                TokenKind::SquareOpen => {
                    self.open();
                    if self.kind() != TokenKind::SquareClose {
                        return Err(self.mistaken_array_type());
                    }
                    self.expect_close("`[`")?;
                    prefixes.push((TypeKind::Array, span));
                }
                TokenKind::Question => {
                    self.bump();
                    prefixes.push((TypeKind::Option, span));
                }
                TokenKind::Star => {
                    self.bump();
                    prefixes.push((TypeKind::Stream, span));
                }
                TokenKind::Power => {
                    self.bump();
                    prefixes.push((TypeKind::Stream, span));
                    let second = Span::new(span.start + 1, span.end);
                    prefixes.push((TypeKind::Stream, second));
                }
                TokenKind::Percent => {
                    self.bump();
                    prefixes.push((TypeKind::Map, span));
                }
                _ => break,
            }
            if prefixes.len() + self.levels.types as usize > LEVELS_MAX as usize {
                let message = format!("types are nested more than {LEVELS_MAX} levels deep");
                let error = self.error(codes::LIMIT, message, span);
                return Err(self.fail(error));
            }
        }
        let span = self.span();
        let kind = match self.kind() {
            TokenKind::Top => {
                self.bump();
                TypeKind::Top
            }
            TokenKind::Bottom => {
                self.bump();
                TypeKind::Bottom
            }
            TokenKind::RoundOpen if !prefixes.is_empty() => {
                let prefixes = prefixes.len() as u32;
                self.levels.types += prefixes;
                let inner = self.parenthesised_type();
                self.levels.types -= prefixes;
                inner?.kind
            }
            TokenKind::Word => TypeKind::Named(self.path("a type")?),
            _ => return Err(self.expected("a type")),
        };
        let end = self.last;
        let innermost = TypeExpr {
            kind,
            span: span.to(end),
        };
        Ok(prefixes
            .into_iter()
            .rev()
            .fold(innermost, |inner, (prefix, start)| TypeExpr {
                kind: prefix(Box::new(inner)),
                span: start.to(end),
            }))
    }

    /// `{A, B}`, or nothing.
    fn abilities(&mut self) -> Result<Vec<Path>> {
        if self.kind() != TokenKind::CurlyOpen {
            return Ok(Vec::new());
        }
        self.open();
        self.list("the abilities", |parser| {
            parser.path("the type of an ability")
        })
    }

    /// Whether arguments in parentheses follow and not a value or a type in parentheses.
    pub fn is_at_signature(&self) -> bool {
        self.is_signature_ahead(0)
    }

    /// The same at a distance.
    pub fn is_signature_ahead(&self, distance: usize) -> bool {
        if self.ahead(distance).kind != TokenKind::RoundOpen {
            return false;
        }
        // Lines do not matter behind the bracket, but it is not open yet.
        let inside = self.inside_bracket(distance);
        match inside[0].kind {
            TokenKind::RoundClose => {
                matches!(inside[1].kind, TokenKind::ArrowRight | TokenKind::Colon)
            }
            TokenKind::Word => inside[1].kind == TokenKind::Colon,
            _ => false,
        }
    }

    /// `{A}(a: A, b: B) -> C`
    pub fn signature(&mut self) -> Result<Signature> {
        let start = self.span();
        let abilities = self.abilities()?;
        let mut params = Vec::new();
        if self.kind() == TokenKind::RoundOpen {
            self.open();
            params = self.list("the arguments", Self::param)?;
        } else if !self.reports_missing_parameters() {
            return Err(Failed);
        }
        let mut results = Vec::new();
        if self.eat(TokenKind::ArrowRight).is_some() {
            results = self.results()?;
        } else if self.is_at_result() {
            self.report_missing_arrow();
            results = self.results()?;
        }
        Ok(Signature {
            abilities,
            params,
            results,
            span: start.to(self.last),
        })
    }

    /// Whether a type follows the arguments without an arrow.
    fn is_at_result(&self) -> bool {
        !self.is_in_brackets()
            && match self.kind() {
                TokenKind::Word | TokenKind::Question | TokenKind::Star => true,
                TokenKind::SquareOpen => self.ahead(1).kind == TokenKind::SquareClose,
                _ => false,
            }
    }

    fn param(&mut self) -> Result<Param> {
        let name = self.name("the name of an argument")?;
        if self.eat(TokenKind::Colon).is_none() {
            return Err(self.expected(&format!(
                "`:` and a type after the argument `{}`",
                name.text
            )));
        }
        Ok(Param {
            name: Some(name),
            ty: self.ty()?,
        })
    }
}

fn unnamed(ty: TypeExpr) -> Param {
    Param { name: None, ty }
}

/// The type of what has this signature.
pub(super) fn arrow(signature: Signature) -> TypeExpr {
    TypeExpr {
        span: signature.span,
        kind: TypeKind::Arrow(Box::new(signature)),
    }
}
