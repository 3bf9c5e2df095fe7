//! From text to tree, without native recursion.
//!
//! The parser keeps one small frame for each open instruction. After a mistake
//! it goes on where the structure of the parentheses allows, so that one run
//! reports several mistakes.

mod header;
mod operand;
mod word;

use std::sync::Arc;

use crate::ast::{Instruction, Node, NodeId, Operand, Span};
use crate::diagnostic::{Diagnostic, codes, quoted};
use crate::lexer::{Lexer, Token, TokenKind};
use crate::limits::Limits;
use crate::names::nearest;
use crate::script::Script;
use word::{KEYWORDS, Keyword, Words};

/// More mistakes than this are not reported.
pub(crate) const DIAGNOSTICS_MAX: usize = 50;

/// Some editors put it in front of a text. Nobody sees it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a script. What it refuses is wrong by grammar alone; names are not
/// resolved here.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Script, Vec<Diagnostic>> {
    let bytes_max = limits.bytes.min(u32::MAX as usize);
    if text.len() > bytes_max {
        let message = format!(
            "the script has {} bytes, the limit is {bytes_max}",
            text.len()
        );
        return Err(vec![
            Diagnostic::error(codes::LIMIT, message, Span::new(0, 0))
                .help(format!("the limit `bytes` is {bytes_max}")),
        ]);
    }
    let mut parser = Parser::new(text, limits);
    parser.script();
    if !parser.errors.is_empty() {
        return Err(parser.errors);
    }
    parser.nodes.shrink_to_fit();
    parser.parents.shrink_to_fit();
    Ok(Script {
        text: Arc::from(text),
        nodes: parser.nodes,
        parents: parser.parents,
        names: parser.words.names.into_spans(),
        warnings: Vec::new(),
    })
}

/// An instruction whose closing parenthesis was not read yet.
#[derive(Debug, Clone, Copy)]
struct Frame {
    node: NodeId,
    keyword: Keyword,
    /// How many children it has had.
    children: u8,
    /// How many it needs.
    min: u8,
    /// How many it may have.
    max: u8,
    /// A mistake was reported for it: more would follow from the first.
    broken: bool,
}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// The token to look at next.
    current: Token,
    words: Words<'t>,
    nodes: Vec<Node>,
    parents: Vec<NodeId>,
    frames: Vec<Frame>,
    depth_max: usize,
    /// The arguments of the call being read: the tree gets a vector that fits.
    args: Vec<Operand>,
    /// Parentheses that the header being read has opened and not closed.
    inner_open: u32,
    errors: Vec<Diagnostic>,
    /// Nothing more can be read.
    stopped: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, limits: &Limits) -> Self {
        let mut lexer = Lexer::new(text);
        let current = lexer.token();
        // Usual scripts have longer instructions, so that the vectors need not move.
        let nodes = (text.len() / 32).min(limits.nodes);
        Self {
            text,
            lexer,
            current,
            words: Words::new(text, limits.nodes),
            nodes: Vec::with_capacity(nodes),
            parents: Vec::with_capacity(nodes),
            frames: Vec::new(),
            depth_max: limits.depth,
            args: Vec::new(),
            inner_open: 0,
            errors: Vec::new(),
            stopped: false,
        }
    }

    fn script(&mut self) {
        match self.current.kind {
            TokenKind::Open => self.open(),
            TokenKind::End => {
                let span = self.current.span;
                self.report(
                    Diagnostic::error(codes::UNEXPECTED, "the script is empty", span)
                        .help("the shortest script is `(null)`"),
                );
                return;
            }
            _ => {
                let error = self.unexpected("an instruction");
                self.report(error.help(if self.text.starts_with(BYTE_ORDER_MARK) {
                    "the text begins with a byte order mark (U+FEFF): save it without one"
                } else {
                    "an instruction stands in parentheses, as in `(null)`"
                }));
                return;
            }
        }
        while !self.stopped {
            let Some(frame) = self.frames.last().copied() else {
                break;
            };
            self.step(frame);
        }
        // After a mistake the parentheses may have been matched wrongly.
        if self.errors.is_empty() && !self.stopped && self.current.kind != TokenKind::End {
            let span = self.current.span;
            let error =
                Diagnostic::error(codes::TRAILING, "a script is exactly one instruction", span);
            self.report(error.help("join instructions with `(seq … …)`"));
        }
    }

    /// Reads the next child of the innermost open instruction, or its end.
    fn step(&mut self, frame: Frame) {
        match self.current.kind {
            TokenKind::Open if frame.children < frame.max => {
                if frame.children == 1 {
                    self.second_child(frame.node);
                }
                if let Some(top) = self.frames.last_mut() {
                    top.children += 1;
                }
                self.open();
            }
            TokenKind::Open => {
                if !frame.broken {
                    let keyword = frame.keyword.spelling();
                    let span = self.current.span;
                    let most = counted(frame.max);
                    let error = Diagnostic::error(
                        codes::UNEXPECTED,
                        format!("`{keyword}` has at most {most}"),
                        span,
                    );
                    let error = error.label(self.opening(frame.node), "of this instruction");
                    self.report(error.help("join instructions with `(seq … …)`"));
                    self.mark_broken();
                }
                self.advance();
                self.skip_to_close(1);
            }
            TokenKind::Close => {
                if frame.children < frame.min && !frame.broken {
                    let keyword = frame.keyword.spelling();
                    let span = self.current.span;
                    let needs = counted(frame.min);
                    let has = frame.children;
                    let error = Diagnostic::error(
                        codes::UNEXPECTED,
                        format!("`{keyword}` needs {needs}, this has {has}"),
                        span,
                    );
                    let error = error.label(self.opening(frame.node), "of this instruction");
                    self.report(error.help("`(null)` does nothing, `(never)` never ends"));
                }
                self.close(frame.node);
                self.frames.pop();
            }
            TokenKind::End => self.unclosed(),
            _ => {
                let error = self.unexpected("an instruction or `)`");
                let help = match Keyword::of(self.slice(self.current.span)) {
                    Some(_) => "an instruction stands in parentheses, as in `(null)`",
                    None => "only instructions can stand here",
                };
                if !frame.broken {
                    self.report(error.help(help));
                    self.mark_broken();
                }
                self.advance();
            }
        }
    }

    /// Reads an instruction up to its first child, or to its end if it has none.
    fn open(&mut self) {
        let start = self.current.span.start;
        self.advance();
        let keyword = match self.current.kind {
            TokenKind::Word => Keyword::of(self.slice(self.current.span)),
            _ => None,
        };
        let Some(keyword) = keyword else {
            let error = self.not_an_instruction(start);
            self.report(error);
            self.skip_to_close(1);
            return;
        };
        if let Err(error) = self.admit() {
            return self.fail_at_limit(*error);
        }
        self.advance();
        let node = NodeId(self.nodes.len() as u32);
        let (min, max) = header::children(keyword);
        self.inner_open = 0;
        let (instruction, broken) = match self.header(keyword, node) {
            Ok(instruction) => (instruction, false),
            Err(error) if error.code == codes::LIMIT => return self.fail_at_limit(*error),
            Err(error) => {
                self.report(*error);
                (Instruction::Null, true)
            }
        };
        self.parents
            .push(self.frames.last().map_or(NodeId::ROOT, |frame| frame.node));
        self.nodes.push(Node {
            instruction,
            span: Span::new(start, start),
            end: node,
        });
        if max > 0 {
            if broken {
                self.skip_to_parenthesis();
            }
            self.frames.push(Frame {
                node,
                keyword,
                children: 0,
                min,
                max,
                broken,
            });
            return;
        }
        if broken {
            self.skip_to_close(1 + self.inner_open);
        } else if self.current.kind == TokenKind::Close {
            self.close(node);
        } else {
            let error = self.unexpected(&format!("`)` at the end of `{}`", keyword.spelling()));
            self.report(error);
            self.skip_to_close(1);
        }
    }

    /// Takes the closing parenthesis of `node`.
    fn close(&mut self, node: NodeId) {
        let end = NodeId(self.nodes.len() as u32);
        let open = &mut self.nodes[node.index()];
        open.span.end = self.current.span.end;
        open.end = end;
        self.advance();
    }

    /// The second child of `node` is about to be read.
    fn second_child(&mut self, node: NodeId) {
        let child = NodeId(self.nodes.len() as u32);
        match &mut self.nodes[node.index()].instruction {
            Instruction::Seq { right, .. }
            | Instruction::Par { right, .. }
            | Instruction::Xor { right, .. } => *right = child,
            Instruction::Fold { last, .. } => *last = Some(child),
            _ => {}
        }
    }

    fn advance(&mut self) {
        self.current = self.lexer.token();
    }

    fn slice(&self, span: Span) -> &'t str {
        &self.text[span.range()]
    }

    /// The opening parenthesis of an instruction.
    fn opening(&self, node: NodeId) -> Span {
        let start = self.nodes[node.index()].span.start;
        Span::new(start, start + 1)
    }

    fn report(&mut self, error: Diagnostic) {
        self.errors.push(error);
        if self.errors.len() >= DIAGNOSTICS_MAX {
            self.stopped = true;
        }
    }

    fn mark_broken(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.broken = true;
        }
    }

    /// Whether the instruction at the current token is within the limits.
    fn admit(&mut self) -> Result<(), Box<Diagnostic>> {
        let span = self.current.span;
        if self.frames.len() >= self.depth_max {
            let message = format!("instructions are nested deeper than {}", self.depth_max);
            let error = Diagnostic::error(codes::LIMIT, message, span);
            return Err(error
                .help(format!("the limit `depth` is {}", self.depth_max))
                .into());
        }
        self.words.budget.spend(span)
    }

    fn fail_at_limit(&mut self, error: Diagnostic) {
        self.report(error);
        self.stopped = true;
    }

    fn unclosed(&mut self) {
        self.stopped = true;
        let (Some(outer), Some(inner)) = (self.frames.first(), self.frames.last()) else {
            return;
        };
        if self.frames.iter().any(|frame| frame.broken) {
            return;
        }
        let count = self.frames.len();
        let message = match count {
            1 => "a parenthesis is not closed".to_owned(),
            _ => format!("{count} parentheses are not closed"),
        };
        let mut error = Diagnostic::error(codes::UNCLOSED, message, self.current.span)
            .label(self.opening(inner.node), "opened here");
        if outer.node != inner.node {
            error = error.label(self.opening(outer.node), "the first one is opened here");
        }
        self.report(error.help(format!("add {}", quoted(&")".repeat(count.min(40))))));
    }

    fn not_an_instruction(&self, open: u32) -> Diagnostic {
        if self.current.kind != TokenKind::Word {
            let error = self.unexpected("the name of an instruction");
            return error.label(Span::new(open, open + 1), "after this");
        }
        let word = self.slice(self.current.span);
        let error = Diagnostic::error(
            codes::UNKNOWN_INSTRUCTION,
            format!("{} is not an instruction", quoted(word)),
            self.current.span,
        );
        let word = word.to_lowercase();
        let same = KEYWORDS.into_iter().find(|keyword| *keyword == word);
        match same.or_else(|| nearest(&word, KEYWORDS)) {
            Some(keyword) => error.help(format!("did you mean `{keyword}`?")),
            None => error.help(format!("instructions are: {}", KEYWORDS.join(", "))),
        }
    }

    /// The current token is not what is wanted here.
    fn unexpected(&self, wanted: &str) -> Diagnostic {
        let span = self.current.span;
        let found = match self.current.kind {
            TokenKind::UnterminatedString => {
                let quote = Span::new(span.start, span.start + 1);
                return Diagnostic::error(
                    codes::UNTERMINATED_STRING,
                    "this string is not closed",
                    quote,
                )
                .help("a string ends at the next `\"`; there are no escapes");
            }
            TokenKind::End => "the end of the text".to_owned(),
            TokenKind::Word if Keyword::of(self.slice(span)).is_some() => {
                format!("the keyword {}", quoted(self.slice(span)))
            }
            _ => quoted(self.slice(span)),
        };
        Diagnostic::error(
            codes::UNEXPECTED,
            format!("expected {wanted}, found {found}"),
            span,
        )
    }

    /// Skips what closes `open` parentheses that were taken already.
    fn skip_to_close(&mut self, mut open: u32) {
        loop {
            match self.current.kind {
                TokenKind::Open => open += 1,
                TokenKind::Close => open -= 1,
                TokenKind::End => {
                    // What is missing follows from the mistake already reported.
                    self.stopped = true;
                    return;
                }
                _ => {}
            }
            self.advance();
            if open == 0 {
                return;
            }
        }
    }

    /// Skips the rest of a header up to the next child or the end.
    fn skip_to_parenthesis(&mut self) {
        while !matches!(
            self.current.kind,
            TokenKind::Open | TokenKind::Close | TokenKind::End
        ) {
            self.advance();
        }
    }
}

fn counted(instructions: u8) -> &'static str {
    match instructions {
        1 => "one instruction",
        _ => "two instructions",
    }
}
