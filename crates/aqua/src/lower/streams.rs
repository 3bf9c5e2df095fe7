//! Streams: filling, freezing, waiting for elements.

use super::{Binding, Lowering};
use crate::ir::{Accessor, Base, Op, Value, VarId, VarKind};

impl Lowering<'_> {
    /// The elements of a stream as they are now, on this peer; other values are themselves.
    pub(super) fn freeze(&mut self, binding: Binding, out: &mut Vec<Op>) -> Value {
        match binding {
            Binding::Value(value) => value,
            Binding::Stream(stream) => {
                let name = format!("{}_canon", self.variables[stream.0 as usize].name);
                let target = self.variable(VarKind::Canon, &name);
                self.emit(
                    out,
                    Op::Canon {
                        frame: self.frame,
                        source: stream,
                        target,
                    },
                );
                target.into()
            }
            // the checker lets nothing else stand where data is needed
            Binding::Map(_) | Binding::Arrow(_) | Binding::Record(_) => Base::Empty.into(),
        }
    }

    /// A stream with the elements of an array.
    pub(super) fn stream_of(&mut self, out: &mut Vec<Op>, name: &str, elements: VarId) -> VarId {
        let stream = self.container(VarKind::Stream, name);
        let item = self.scalar(&format!("{name}-item"));
        self.emit(
            out,
            Op::Fold {
                item,
                iterable: elements.into(),
                body: Box::new(Op::Seq(vec![
                    Op::Ap {
                        value: item.into(),
                        target: stream,
                    },
                    Op::Next(item),
                ])),
                never: false,
            },
        );
        stream
    }

    /// Waits until a stream has so many elements; gives its elements as they are then.
    pub(super) fn gate(&mut self, stream: VarId, size: Value, out: &mut Vec<Op>) -> Value {
        let name = self.variables[stream.0 as usize].name.clone();
        let seen = self.container(VarKind::Stream, &format!("{name}_seen"));
        let item = self.scalar(&format!("{name}_item"));
        let now = self.variable(VarKind::Canon, &format!("{name}_now"));
        let enough = self.variable(VarKind::Canon, &format!("{name}_enough"));
        let count = Value {
            base: Base::Variable(now),
            lens: vec![Accessor::Length],
        };
        let frame = self.frame;
        let body = Op::Seq(vec![
            Op::Ap {
                value: item.into(),
                target: seen,
            },
            Op::Canon {
                frame,
                source: seen,
                target: now,
            },
            Op::Xor(
                Box::new(Op::Match {
                    equal: true,
                    left: count,
                    right: size,
                    body: Box::new(Op::Null),
                }),
                Box::new(Op::Next(item)),
            ),
        ]);
        self.emit(
            out,
            Op::Fold {
                item,
                iterable: stream.into(),
                body: Box::new(body),
                never: true,
            },
        );
        self.emit(
            out,
            // the stream itself, and not what the fold has passed: which comes first is
            // then the same for all who ask this peer
            Op::Canon {
                frame,
                source: stream,
                target: enough,
            },
        );
        enough.into()
    }
}
