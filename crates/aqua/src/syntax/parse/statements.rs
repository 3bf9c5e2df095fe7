//! Statements.

use super::super::token::{Token, TokenKind};
use super::super::tree::{Block, Expr, ForItem, ForMode, Stmt, StmtKind};
use super::cursor::Parser;
use super::mistakes::Opened;
use super::{Failed, Result};
use crate::diagnostic::codes;
use crate::source::Span;

/// A statement and where its own line ends.
type Line = (StmtKind, u32);

impl<'t> Parser<'t> {
    /// A statement with the block below it. The parser is at its first token.
    pub fn statement(&mut self, indent: &'t str) -> Stmt {
        let start = self.span();
        let line = self.statement_kind(indent);
        if let Ok((kind, _)) = &line {
            self.end_of_statement(kind);
            if self.has_recovered() {
                self.leave_out_block(indent, start);
            }
        }
        let (kind, end) = line.unwrap_or_else(|Failed| {
            self.recover();
            let end = self.last.end;
            self.leave_out_block(indent, start);
            (StmtKind::Error, end)
        });
        Stmt {
            kind,
            span: Span::new(start.start, end.max(start.start)),
        }
    }

    /// Reads a block that belongs to a line with a mistake, only for the mistakes in it.
    fn leave_out_block(&mut self, indent: &'t str, line: Span) {
        if self.is_deeper(indent) {
            self.body(indent, Opened::new("this line", line));
        }
    }

    fn statement_kind(&mut self, indent: &'t str) -> Result<Line> {
        match self.kind() {
            TokenKind::ArrowLeft => Ok(self.return_statement()),
            TokenKind::Word => {
                let keyword = self.slice(self.span());
                match self.keyword_statement(keyword, indent) {
                    Some(line) => line,
                    None => self.plain_statement(indent),
                }
            }
            _ => self.call_statement(),
        }
    }

    /// A statement that starts with a keyword; nothing if the word is not one here.
    fn keyword_statement(&mut self, keyword: &'t str, indent: &'t str) -> Option<Result<Line>> {
        if let Some(line) = self.foreign_statement(keyword, indent) {
            return Some(line);
        }
        let takes_value = matches!(keyword, "if" | "on" | "join");
        let takes_name = matches!(keyword, "for" | "parseq" | "catch" | "par" | "co");
        let is_alone = matches!(keyword, "else" | "try" | "otherwise");
        let is_keyword = takes_value && self.is_value_ahead()
            || takes_name && self.is_name_ahead()
            || is_alone && self.is_block_ahead(keyword);
        if !is_keyword {
            return None;
        }
        Some(match keyword {
            "if" => Ok(self.if_statement(indent)),
            "on" => Ok(self.on_statement(indent)),
            "join" => Ok(self.join_statement()),
            "for" => self.for_statement(indent),
            "parseq" => self.parseq_statement(indent),
            "catch" => self.catch_statement(indent),
            "par" | "co" => self.branch_statement(keyword, indent),
            "else" => self.else_statement(indent),
            _ => Ok(self.block_statement(keyword, indent)),
        })
    }

    /// A statement that is spelled as in another language.
    fn foreign_statement(&mut self, keyword: &str, indent: &'t str) -> Option<Result<Line>> {
        let next = self.ahead(1);
        match keyword {
            "elseif" | "elif" | "elsif" if is_value_start(next.kind) => {
                let span = self.span();
                let message = format!("there is no `{keyword}`");
                self.report_word(span, &message, "write `else if`", "else if");
                Some(self.else_if(span, indent))
            }
            "return" if is_value_start(next.kind) => {
                let span = self.span();
                let help = "results stand behind `<-`";
                self.report_word(span, "there is no `return`", help, "<-");
                Some(Ok(self.return_statement()))
            }
            "while" if is_value_start(next.kind) => {
                let error = self.error(codes::SYNTAX, "there is no `while`", self.span());
                let error = error.help("iterate over a stream: `for item <- stream rec:`");
                Some(Err(self.fail(error)))
            }
            "let" | "var" | "val" | "const"
                if next.kind == TokenKind::Word
                    && matches!(
                        self.ahead(2).kind,
                        TokenKind::Assign | TokenKind::ArrowLeft | TokenKind::Colon
                    ) =>
            {
                let span = self.bump();
                let needless = Span::new(span.start, self.span().start);
                let message = format!("`{keyword}` is not needed here");
                self.report_word(needless, &message, "leave it out", "");
                Some(self.plain_statement(indent))
            }
            _ => None,
        }
    }

    /// Whether a value follows the keyword, so that it is one.
    fn is_value_ahead(&self) -> bool {
        let keyword = self.token();
        let next = self.ahead(1);
        let is_glued = next.span.start == keyword.span.end;
        match next.kind {
            TokenKind::Word
            | TokenKind::Number
            | TokenKind::String
            | TokenKind::OpenString
            | TokenKind::InitPeerId
            | TokenKind::Question => true,
            TokenKind::Star | TokenKind::Bang | TokenKind::SquareOpen => !is_glued,
            TokenKind::Minus => !is_glued && self.ahead(2).span.start == next.span.end,
            TokenKind::RoundOpen => {
                (!is_glued && self.is_word("join")) || self.last_of_line().kind == TokenKind::Colon
            }
            // `on:` without a value, if it does not declare a stream.
            TokenKind::Colon | TokenKind::LineEnd | TokenKind::End => self.is_block_ahead("if"),
            _ => false,
        }
    }

    /// Whether a name follows the keyword, or nothing where one is missing.
    fn is_name_ahead(&self) -> bool {
        match self.ahead(1).kind {
            TokenKind::Word => true,
            TokenKind::Colon => self.is_block_ahead("for"),
            TokenKind::String | TokenKind::InitPeerId | TokenKind::Number => true,
            _ => false,
        }
    }

    /// Whether the keyword opens a block, with or without its colon.
    fn is_block_ahead(&self, keyword: &str) -> bool {
        match self.ahead(1).kind {
            TokenKind::Colon => !matches!(
                self.ahead(2).kind,
                TokenKind::Star | TokenKind::Power | TokenKind::Percent
            ),
            TokenKind::Word | TokenKind::LineEnd | TokenKind::End => true,
            TokenKind::RoundOpen | TokenKind::Bang => {
                keyword == "else" && self.last_of_line().kind == TokenKind::Colon
            }
            _ => false,
        }
    }

    fn return_statement(&mut self) -> Line {
        self.bump();
        let values = self.values();
        (StmtKind::Return(values), self.last.end)
    }

    /// Values with commas between them, which may go on in the next line.
    fn values(&mut self) -> Vec<Expr> {
        let mut values = vec![self.expr_or_error()];
        while self.eat_list_comma() {
            values.push(self.expr_or_error());
        }
        values
    }

    fn if_statement(&mut self, indent: &'t str) -> Line {
        let keyword = self.bump();
        let condition = self.expr_or_error();
        if self.kind() == TokenKind::Assign {
            self.report_assignment_in_condition();
        }
        let (body, end) = self.body(indent, Opened::new("`if`", keyword));
        (StmtKind::If { condition, body }, end)
    }

    fn on_statement(&mut self, indent: &'t str) -> Line {
        let keyword = self.bump();
        let peer = self.expr_or_error();
        let via = self.via();
        let (body, end) = self.body(indent, Opened::new("`on`", keyword));
        (StmtKind::On { peer, via, body }, end)
    }

    fn via(&mut self) -> Vec<Expr> {
        let mut via = Vec::new();
        while self.eat_word("via").is_some() {
            via.push(self.expr_or_error());
        }
        via
    }

    fn join_statement(&mut self) -> Line {
        self.bump();
        let mut values = vec![self.postfix_or_error()];
        while self.eat_list_comma() {
            values.push(self.postfix_or_error());
        }
        (StmtKind::Join(values), self.last.end)
    }

    fn for_item(&mut self) -> Result<ForItem> {
        let first = self.name("the name of the element")?;
        let mut second = None;
        if self.eat(TokenKind::Comma).is_some() {
            second = Some(self.name("the name of the value")?);
        }
        self.arrow_left("`<-` after the name of the element")?;
        Ok(ForItem { first, second })
    }

    /// `<-`; a `=` or `in` in its place is read as if it were one.
    fn arrow_left(&mut self, what: &str) -> Result<()> {
        if self.eat(TokenKind::ArrowLeft).is_some() {
            return Ok(());
        }
        if self.kind() != TokenKind::Assign && !self.is_word("in") {
            return Err(self.expected(what));
        }
        self.replace(what, "<-");
        Ok(())
    }

    fn for_statement(&mut self, indent: &'t str) -> Result<Line> {
        let keyword = self.bump();
        let item = self.for_item()?;
        let iterable = self.expr_or_error();
        let mode = match self.word() {
            Some("par") => ForMode::Par,
            Some("try") => ForMode::Try,
            Some("rec") => ForMode::Rec,
            _ => ForMode::Seq,
        };
        if mode != ForMode::Seq {
            self.bump();
        }
        let (body, end) = self.body(indent, Opened::new("`for`", keyword));
        let kind = StmtKind::For {
            item,
            iterable,
            mode,
            body,
        };
        Ok((kind, end))
    }

    fn parseq_statement(&mut self, indent: &'t str) -> Result<Line> {
        let keyword = self.bump();
        let item = self.for_item()?;
        let iterable = self.expr_or_error();
        if self.eat_word("on").is_none() {
            return Err(self.expected("`on` and a peer"));
        }
        let peer = self.expr_or_error();
        let via = self.via();
        let (body, end) = self.body(indent, Opened::new("`parseq`", keyword));
        let kind = StmtKind::Parseq {
            item,
            iterable,
            peer,
            via,
            body,
        };
        Ok((kind, end))
    }

    fn catch_statement(&mut self, indent: &'t str) -> Result<Line> {
        let keyword = self.bump();
        let error = self.name("a name for the error")?;
        let (body, end) = self.body(indent, Opened::new("`catch`", keyword));
        Ok((StmtKind::Catch { error, body }, end))
    }

    fn block_statement(&mut self, keyword: &str, indent: &'t str) -> Line {
        let span = self.bump();
        let what = format!("`{keyword}`");
        let (body, end) = self.body(indent, Opened::new(&what, span));
        let kind = match keyword {
            "try" => StmtKind::Try { body },
            _ => StmtKind::Otherwise { body },
        };
        (kind, end)
    }

    fn else_statement(&mut self, indent: &'t str) -> Result<Line> {
        if self.ahead(1).kind != TokenKind::Word || self.word_of(self.ahead(1)) != Some("if") {
            let span = self.bump();
            let (body, end) = self.body(indent, Opened::new("`else`", span));
            return Ok((StmtKind::Else { body }, end));
        }
        self.bump();
        let start = self.span();
        self.else_if(start, indent)
    }

    /// `if` behind `else`, or a word that stands for both, with its branches.
    fn else_if(&mut self, start: Span, indent: &'t str) -> Result<Line> {
        if self
            .enter(|levels| &mut levels.branches, "branches")
            .is_err()
        {
            self.leave_out_branches(indent);
            return Err(Failed);
        }
        let (kind, end) = self.if_statement(indent);
        let mut stmts = vec![Stmt {
            kind,
            span: Span::new(start.start, end),
        }];
        // The branches that belong to the inner `if`.
        while self.is_branch_ahead(indent) {
            self.skip_line_end();
            stmts.push(self.statement(indent));
        }
        self.levels.branches -= 1;
        let body = Block { stmts };
        Ok((StmtKind::Else { body }, end))
    }

    /// Whether the next line is another branch of an `if` with this indent.
    fn is_branch_ahead(&self, indent: &str) -> bool {
        let first = self.after_line_end();
        self.kind() == TokenKind::LineEnd
            && self.next_indent() == Some(indent)
            && matches!(
                self.word_of(first),
                Some("else" | "elseif" | "elif" | "elsif")
            )
            && is_else(self.second_after_line_end(), first)
    }

    fn leave_out_branches(&mut self, indent: &str) {
        self.recover();
        while self.is_deeper(indent) || self.is_branch_ahead(indent) {
            self.skip_line_end();
            self.recover();
        }
    }

    fn branch_statement(&mut self, keyword: &str, indent: &'t str) -> Result<Line> {
        let span = self.bump();
        if self.is_at_line_end() || self.kind() == TokenKind::Colon {
            let what = format!("`on`, `for`, `join` or a call after `{keyword}`");
            return Err(self.expected(&what));
        }
        self.enter(|levels| &mut levels.blocks, "statements")?;
        let reported_before = self.diagnostics.len();
        let inner = self.statement(indent);
        self.levels.blocks -= 1;
        let is_right = match &inner.kind {
            // Of several prefixes only the last is reported.
            StmtKind::Par(inner) | StmtKind::Co(inner) => {
                matches!(
                    inner.kind,
                    StmtKind::Error | StmtKind::Par(_) | StmtKind::Co(_)
                )
            }
            kind => matches!(
                kind,
                StmtKind::Error
                    | StmtKind::On { .. }
                    | StmtKind::For { .. }
                    | StmtKind::Join(_)
                    | StmtKind::Call { .. }
            ),
        };
        if !is_right && self.diagnostics.len() == reported_before {
            let error = self.error(
                codes::MISPLACED_STATEMENT,
                format!("`{keyword}` cannot stand before this statement"),
                span.to(inner.span),
            );
            self.report(error.help(format!(
                "`{keyword}` stands before `on`, `for`, `join` or a call"
            )));
        }
        let end = inner.span.end;
        let inner = Box::new(inner);
        let kind = match keyword {
            "par" => StmtKind::Par(inner),
            _ => StmtKind::Co(inner),
        };
        Ok((kind, end))
    }

    /// A statement that starts with a name.
    fn plain_statement(&mut self, indent: &'t str) -> Result<Line> {
        match self.ahead(1).kind {
            TokenKind::Assign if self.is_closure_after_assign() => self.closure(indent),
            TokenKind::Assign => {
                let target = self.name("a name")?;
                self.bump();
                let value = self.expr_or_error();
                Ok((StmtKind::Assign { target, value }, self.last.end))
            }
            TokenKind::Push => self.push(),
            TokenKind::Colon => {
                let name = self.name("a name")?;
                self.bump();
                let ty = self.basic_type_or_error();
                Ok((StmtKind::Declare { name, ty }, self.last.end))
            }
            TokenKind::ArrowLeft | TokenKind::Comma => self.assigned_call(),
            _ if self.is_service_id() => {
                let service = self.path("a service")?;
                let id = self.expr_or_error();
                Ok((StmtKind::ServiceId { service, id }, self.last.end))
            }
            _ => self.call_statement(),
        }
    }

    fn is_closure_after_assign(&self) -> bool {
        let value = self.ahead(2);
        match value.kind {
            TokenKind::CurlyOpen => true,
            TokenKind::RoundOpen => self.is_signature_ahead(2),
            TokenKind::Word if self.word_of(value) == Some("func") => {
                self.is_signature_ahead(3)
                    || self.ahead(3).kind == TokenKind::CurlyOpen
                        && self.last_of_line().kind == TokenKind::Colon
            }
            _ => false,
        }
    }

    fn closure(&mut self, indent: &'t str) -> Result<Line> {
        let name = self.name("a name")?;
        self.bump();
        let moves = self.eat_word("func").is_some();
        let signature = self.signature()?;
        let (body, end) = self.body(indent, Opened::new("the closure", name.span));
        let kind = StmtKind::Closure {
            name,
            moves,
            signature,
            body,
        };
        Ok((kind, end))
    }

    fn push(&mut self) -> Result<Line> {
        let target = self.name("a stream")?;
        self.bump();
        let mut values = vec![self.expr_or_error()];
        if self.eat(TokenKind::Comma).is_some() {
            values.push(self.expr_or_error());
        }
        Ok((StmtKind::Push { target, values }, self.last.end))
    }

    fn assigned_call(&mut self) -> Result<Line> {
        let mut targets = vec![self.name("a name")?];
        while self.eat(TokenKind::Comma).is_some() {
            targets.push(self.name("a name after `,`")?);
        }
        self.arrow_left("`<-` and a call after the names of its results")?;
        let value = self.expr_or_error();
        Ok((StmtKind::Call { targets, value }, self.last.end))
    }

    fn call_statement(&mut self) -> Result<Line> {
        let value = self.expr()?;
        let targets = Vec::new();
        Ok((StmtKind::Call { targets, value }, self.last.end))
    }

    /// Whether a value follows the name of a service.
    fn is_service_id(&self) -> bool {
        let is_class = |token: Token| {
            self.word_of(token)
                .is_some_and(|word| word.starts_with(|first: char| first.is_ascii_uppercase()))
        };
        let mut distance = 0;
        if !is_class(self.token()) {
            return false;
        }
        while self.ahead(distance + 1).kind == TokenKind::Dot && is_class(self.ahead(distance + 2))
        {
            distance += 2;
        }
        let name = self.ahead(distance);
        let next = self.ahead(distance + 1);
        let is_value = matches!(
            next.kind,
            TokenKind::Word
                | TokenKind::Number
                | TokenKind::String
                | TokenKind::OpenString
                | TokenKind::InitPeerId
                | TokenKind::RoundOpen
                | TokenKind::SquareOpen
                | TokenKind::Question
        );
        is_value && next.span.start > name.span.end
    }
}

/// Whether a value starts with such a token, and no other statement goes on with it.
fn is_value_start(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Word
            | TokenKind::Number
            | TokenKind::String
            | TokenKind::OpenString
            | TokenKind::InitPeerId
    )
}

/// Whether a line that starts with the word `else` is a branch and not an assignment to that name.
fn is_else(second: Token, first: Token) -> bool {
    matches!(
        second.kind,
        TokenKind::Word | TokenKind::LineEnd | TokenKind::Colon
    ) || second.kind == TokenKind::RoundOpen && second.span.start > first.span.end
}
