//! The part of an instruction before its children.

use crate::ast::{Call, FailOperand, Instruction, NodeId, Operand, Span, Variable, VariableKind};
use crate::diagnostic::{Diagnostic, codes};
use crate::lexer::TokenKind;

use super::Parser;
use super::operand::{self, Position};
use super::word::{Keyword, Result};

/// How many children an instruction needs, and how many it may have.
pub(super) fn children(keyword: Keyword) -> (u8, u8) {
    match keyword {
        Keyword::Seq | Keyword::Par | Keyword::Xor => (2, 2),
        Keyword::Match | Keyword::Mismatch | Keyword::New => (1, 1),
        Keyword::Fold => (1, 2),
        _ => (0, 0),
    }
}

/// A variable that an instruction defines, fills or binds.
struct Target {
    /// What stands there.
    name: &'static str,
    /// What is allowed there, in words.
    expects: &'static str,
    kinds: &'static [VariableKind],
}

const RESULT: Target = Target {
    name: "the result",
    expects: "a scalar or a stream",
    kinds: &[VariableKind::Scalar, VariableKind::Stream],
};
const MAP: Target = Target {
    name: "the target of a pair",
    expects: "a stream map",
    kinds: &[VariableKind::StreamMap],
};
const SOURCE: Target = Target {
    name: "what `canon` freezes",
    expects: "a stream or a stream map",
    kinds: &[VariableKind::Stream, VariableKind::StreamMap],
};
const FROZEN_STREAM: Target = Target {
    name: "what a stream is frozen into",
    expects: "a canon",
    kinds: &[VariableKind::Canon],
};
const FROZEN_MAP: Target = Target {
    name: "what a stream map is frozen into",
    expects: "a canon map or a scalar",
    kinds: &[VariableKind::CanonMap, VariableKind::Scalar],
};
const ITERATOR: Target = Target {
    name: "the iterator",
    expects: "a scalar",
    kinds: &[VariableKind::Scalar],
};
const NEW: Target = Target {
    name: "what `new` creates",
    expects: "a variable",
    kinds: &[
        VariableKind::Scalar,
        VariableKind::Stream,
        VariableKind::StreamMap,
        VariableKind::Canon,
        VariableKind::CanonMap,
    ],
};

impl Parser<'_> {
    /// Reads the operands of the instruction `node`. Its first child will be the
    /// next node; the second one is filled in when it is reached.
    pub(super) fn header(&mut self, keyword: Keyword, node: NodeId) -> Result<Instruction> {
        let first = NodeId(node.0 + 1);
        Ok(match keyword {
            Keyword::Null => Instruction::Null,
            Keyword::Never => Instruction::Never,
            Keyword::Seq => Instruction::Seq {
                left: first,
                right: first,
            },
            Keyword::Par => Instruction::Par {
                left: first,
                right: first,
            },
            Keyword::Xor => Instruction::Xor {
                left: first,
                right: first,
            },
            Keyword::Match => {
                let left = self.operand(&operand::COMPARED)?;
                let right = self.operand(&operand::COMPARED)?;
                Instruction::Match {
                    left,
                    right,
                    body: first,
                }
            }
            Keyword::Mismatch => {
                let left = self.operand(&operand::COMPARED)?;
                let right = self.operand(&operand::COMPARED)?;
                Instruction::Mismatch {
                    left,
                    right,
                    body: first,
                }
            }
            Keyword::Call => self.call()?,
            Keyword::Ap if self.current.kind == TokenKind::Open => self.ap_map()?,
            Keyword::Ap => {
                let value = self.operand(&operand::AP_VALUE)?;
                Instruction::Ap {
                    value,
                    target: self.target(&RESULT)?,
                }
            }
            Keyword::Canon => {
                let peer = self.operand(&operand::PEER)?;
                let source = self.target(&SOURCE)?;
                let target = match source.kind {
                    VariableKind::Stream => self.target(&FROZEN_STREAM)?,
                    _ => self.target(&FROZEN_MAP)?,
                };
                Instruction::Canon {
                    peer,
                    source,
                    target,
                }
            }
            Keyword::Fold => {
                let iterable = self.operand(&operand::ITERABLE)?;
                let iterator = self.target(&ITERATOR)?;
                Instruction::Fold {
                    iterable,
                    iterator,
                    body: first,
                    last: None,
                }
            }
            Keyword::Next => Instruction::Next {
                iterator: self.target(&ITERATOR)?,
            },
            Keyword::New => Instruction::New {
                variable: self.target(&NEW)?,
                body: first,
            },
            Keyword::Fail => Instruction::Fail(self.fail()?),
        })
    }

    fn call(&mut self) -> Result<Instruction> {
        let peer = self.operand(&operand::PEER)?;
        self.expect(TokenKind::Open, "`(` before the service and the function")?;
        self.inner_open = 1;
        let service = self.operand(&operand::SERVICE)?;
        let function = self.operand(&operand::FUNCTION)?;
        if self.current.kind == TokenKind::SquareOpen {
            // The parenthesis was forgotten: what follows belongs to the call again.
            self.inner_open = 0;
        }
        self.expect(TokenKind::Close, "`)` after the service and the function")?;
        self.inner_open = 0;
        self.expect(TokenKind::SquareOpen, "`[` before the arguments")?;
        self.args.clear();
        while !matches!(
            self.current.kind,
            TokenKind::SquareClose | TokenKind::Open | TokenKind::Close | TokenKind::End
        ) {
            let argument = self.operand(&operand::ARGUMENT)?;
            self.args.push(argument);
        }
        self.expect(TokenKind::SquareClose, "an argument or `]`")?;
        let output = match self.current.kind {
            TokenKind::Word => Some(self.target(&RESULT)?),
            _ => None,
        };
        Ok(Instruction::Call(Box::new(Call {
            peer,
            service,
            function,
            args: self.args.drain(..).collect(),
            output,
        })))
    }

    fn ap_map(&mut self) -> Result<Instruction> {
        self.advance();
        self.inner_open = 1;
        let key = self.operand(&operand::MAP_KEY)?;
        let value = self.operand(&operand::AP_VALUE)?;
        self.expect(TokenKind::Close, "`)` after the key and the value")?;
        self.inner_open = 0;
        Ok(Instruction::ApMap {
            key,
            value,
            map: self.target(&MAP)?,
        })
    }

    fn fail(&mut self) -> Result<FailOperand> {
        let span = self.current.span;
        Ok(match self.operand(&operand::FAILURE)? {
            Operand::LastError(_) => FailOperand::LastError,
            Operand::Error(_) => FailOperand::Error,
            Operand::Int(code) => {
                let message = match self.current.kind {
                    TokenKind::String => self.operand(&operand::ARGUMENT)?,
                    _ => return Err(self.unexpected("the error message, a string").into()),
                };
                let Operand::String(message) = message else {
                    return Err(self.unexpected("the error message, a string").into());
                };
                if code == 0 {
                    return Err(Diagnostic::error(
                        codes::FAIL_ZERO,
                        "`fail` with code 0 would mean success",
                        span,
                    )
                    .help("use any other code")
                    .into());
                }
                FailOperand::Literal { code, message }
            }
            value => FailOperand::Value(value),
        })
    }

    /// Reads an operand that `position` allows.
    fn operand(&mut self, position: &'static Position) -> Result<Operand> {
        let Span { start, .. } = self.current.span;
        let operand = match self.current.kind {
            TokenKind::String => {
                let Span { start, end } = self.current.span;
                Operand::String(self.words.literal(Span::new(start + 1, end - 1)))
            }
            TokenKind::Word => {
                let word = self.slice(self.current.span);
                self.words.operand(word, start)?
            }
            TokenKind::SquareOpen => {
                self.advance();
                if self.current.kind != TokenKind::SquareClose {
                    let error = self.unexpected("`]`");
                    return Err(error.help("`[]` is the only array literal").into());
                }
                Operand::EmptyArray
            }
            _ => {
                let wanted = format!("{}: {}", position.name, position.expects);
                return Err(self.unexpected(&wanted).into());
            }
        };
        let span = Span::new(start, self.current.span.end);
        if !position.allows(&operand) {
            let message = format!(
                "{} cannot be {}",
                position.name,
                operand::describe(&operand)
            );
            let error = Diagnostic::error(codes::BAD_OPERAND, message, span);
            let error = match operand::advice(&operand) {
                Some(advice) => error.help(advice),
                None => error.help(format!("it can be {}", position.expects)),
            };
            return Err(error.into());
        }
        self.words.budget.spend(span)?;
        self.advance();
        Ok(operand)
    }

    /// Reads a variable that `target` allows.
    fn target(&mut self, target: &Target) -> Result<Variable> {
        if self.current.kind != TokenKind::Word {
            let wanted = format!("{}: {}", target.name, target.expects);
            return Err(self.unexpected(&wanted).into());
        }
        let span = self.current.span;
        let word = self.slice(span);
        // Matched where it lies: moving an operand that was just written is what costs here.
        let operand = match self.words.operand(word, span.start) {
            Ok(Operand::Variable {
                variable,
                lens: None,
            }) if target.kinds.contains(&variable.kind) => {
                self.advance();
                return Ok(variable);
            }
            other => other?,
        };
        let found = operand::describe(&operand);
        let message = format!("{} must be {}, not {found}", target.name, target.expects);
        Err(Diagnostic::error(codes::BAD_OPERAND, message, span).into())
    }

    fn expect(&mut self, kind: TokenKind, wanted: &str) -> Result<()> {
        if self.current.kind != kind {
            return Err(self.unexpected(wanted).into());
        }
        self.advance();
        Ok(())
    }
}
