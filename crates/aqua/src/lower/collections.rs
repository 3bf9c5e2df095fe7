//! Collections, structs, and what is asked of stream maps.

use super::{Binding, Env, Lowering, is_literal, sequence, text};
use crate::hir::{Expr, MapMethod};
use crate::ir::{Accessor, Base, Op, Value, VarId, VarKind};
use crate::syntax::CollectionKind;
use crate::types::Record;
use std::rc::Rc;

impl Lowering<'_> {
    pub(super) fn collection(
        &mut self,
        kind: CollectionKind,
        items: &[Expr],
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Binding {
        match kind {
            CollectionKind::Array | CollectionKind::Option if items.is_empty() => {
                return Binding::Value(Base::Empty.into());
            }
            CollectionKind::Option => return Binding::Value(self.option(items, env, out)),
            _ => {}
        }
        let (name, frozen) = match kind {
            CollectionKind::Stream => ("stream", false),
            _ => ("array", true),
        };
        let stream = self.empty_container(VarKind::Stream, name);
        for item in items {
            let value = self.data(item, env, out);
            self.emit(
                out,
                Op::Ap {
                    value,
                    target: stream,
                },
            );
        }
        if frozen {
            return Binding::Value(self.freeze(Binding::Stream(stream), out));
        }
        Binding::Stream(stream)
    }

    /// The first element that can be computed, or none.
    fn option(&mut self, items: &[Expr], env: &mut Env, out: &mut Vec<Op>) -> Value {
        let stream = self.container(VarKind::Stream, "option");
        let mut tries: Option<Op> = None;
        let mut certain = false;
        for item in items {
            let mut arm = Vec::new();
            let value = self.data(item, env, &mut arm);
            certain = arm.is_empty() && (is_literal(&value) || value.lens.is_empty());
            self.emit(
                &mut arm,
                Op::Ap {
                    value,
                    target: stream,
                },
            );
            let arm = sequence(arm);
            tries = Some(match tries {
                None => arm,
                Some(before) => Op::Xor(Box::new(before), Box::new(arm)),
            });
            if certain {
                break;
            }
        }
        let mut tries = tries.unwrap_or(Op::Null);
        if !certain {
            tries = Op::Xor(Box::new(tries), Box::new(Op::Null));
        }
        self.emit(out, tries);
        self.freeze(Binding::Stream(stream), out)
    }

    pub(super) fn construct(
        &mut self,
        name: &str,
        fields: &[(String, Expr)],
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Value {
        let values: Vec<(Rc<str>, Value)> = fields
            .iter()
            .map(|(field, value)| (Rc::from(field.as_str()), self.data(value, env, out)))
            .collect();
        self.object(name, values, out)
    }

    pub(super) fn copy(
        &mut self,
        base: &Expr,
        record: &Record,
        fields: &[(String, Expr)],
        env: &mut Env,
        out: &mut Vec<Op>,
    ) -> Value {
        let base = self.data(base, env, out);
        let mut new: Vec<(&str, Value)> = fields
            .iter()
            .map(|(field, value)| (field.as_str(), self.data(value, env, out)))
            .collect();
        let values = record
            .names()
            .map(|field| {
                let given = new.iter().position(|(name, _)| *name == field);
                let value = match given {
                    Some(index) => new.swap_remove(index).1,
                    None => self.project(base.clone(), Accessor::Field(Rc::from(field)), out),
                };
                (Rc::from(field), value)
            })
            .collect();
        self.object(&record.name, values, out)
    }

    fn object(&mut self, name: &str, fields: Vec<(Rc<str>, Value)>, out: &mut Vec<Op>) -> Value {
        let name = name.to_lowercase();
        let name = if name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
        {
            name
        } else {
            String::from("object")
        };
        let map = self.container(VarKind::Map, &format!("{name}_fields"));
        for (field, value) in fields {
            self.emit(
                out,
                Op::ApMap {
                    key: Base::String(field).into(),
                    value,
                    map,
                },
            );
        }
        let target = self.scalar(&name);
        let frame = self.frame;
        self.emit(
            out,
            Op::Canon {
                frame,
                source: map,
                target,
            },
        );
        target.into()
    }

    /// Asks a stream map.
    pub(super) fn map_call(
        &mut self,
        method: MapMethod,
        map: VarId,
        key: Option<Value>,
        out: &mut Vec<Op>,
    ) -> Binding {
        match (method, key) {
            (MapMethod::Keys, _) => Binding::Value(self.map_keys(map, out)),
            (MapMethod::KeysStream, _) => Binding::Stream(self.map_stream(map, None, out)),
            (MapMethod::GetStream, Some(key)) => {
                Binding::Stream(self.map_stream(map, Some(key), out))
            }
            (MapMethod::Contains, Some(key)) => {
                let values = self.map_get(map, key, out);
                let list = self.plain(values, "values", out);
                let count = Value {
                    base: Base::Variable(list),
                    lens: vec![Accessor::Length],
                };
                let found = self.choose(false, count, Base::Int(0).into(), "contains", out);
                Binding::Value(found)
            }
            (_, Some(key)) => Binding::Value(self.map_get(map, key, out)),
            (_, None) => Binding::Value(Base::Empty.into()),
        }
    }

    /// All values of a key, as they are now on this peer.
    fn map_get(&mut self, map: VarId, key: Value, out: &mut Vec<Op>) -> Value {
        let canon = self.canon_map(map, out);
        let key = self.plain(key, "key", out);
        Value {
            base: Base::Variable(canon),
            lens: vec![Accessor::Variable(key)],
        }
    }

    pub(super) fn canon_map(&mut self, map: VarId, out: &mut Vec<Op>) -> VarId {
        let name = format!("{}_canon", self.variables[map.0 as usize].name);
        let target = self.variable(VarKind::CanonMap, &name);
        let frame = self.frame;
        self.emit(
            out,
            Op::Canon {
                frame,
                source: map,
                target,
            },
        );
        target
    }

    /// The keys of a map, one for each pair.
    pub(super) fn map_keys(&mut self, map: VarId, out: &mut Vec<Op>) -> Value {
        let canon = self.canon_map(map, out);
        let keys = self.empty_container(VarKind::Stream, "keys");
        let item = self.scalar("pair");
        let key = Value {
            base: Base::Variable(item),
            lens: vec![Accessor::Field(Rc::from("key"))],
        };
        self.emit(
            out,
            Op::Fold {
                item,
                iterable: canon.into(),
                body: Box::new(Op::Seq(vec![
                    Op::Ap {
                        value: key,
                        target: keys,
                    },
                    Op::Next(item),
                ])),
                never: false,
            },
        );
        self.freeze(Binding::Stream(keys), out)
    }

    /// The keys of a map, or the values of one key, also those that come later.
    fn map_stream(&mut self, map: VarId, wanted: Option<Value>, out: &mut Vec<Op>) -> VarId {
        let stream = self.empty_container(VarKind::Stream, "entries");
        let item = self.scalar("pair");
        let part = |name: &str| Value {
            base: Base::Variable(item),
            lens: vec![Accessor::Field(Rc::from(name))],
        };
        let take = match wanted {
            None => Op::Ap {
                value: part("key"),
                target: stream,
            },
            Some(key) => Op::Xor(
                Box::new(Op::Match {
                    equal: true,
                    left: part("key"),
                    right: key,
                    body: Box::new(Op::Ap {
                        value: part("value"),
                        target: stream,
                    }),
                }),
                Box::new(Op::Null),
            ),
        };
        self.emit(
            out,
            Op::Detach(Box::new(Op::Fold {
                item,
                iterable: map.into(),
                body: Box::new(Op::Seq(vec![take, Op::Next(item)])),
                never: true,
            })),
        );
        stream
    }

    /// `true` if two values are equal, or unequal, else `false`.
    pub(super) fn choose(
        &mut self,
        equal: bool,
        left: Value,
        right: Value,
        name: &str,
        out: &mut Vec<Op>,
    ) -> Value {
        let target = self.scalar(name);
        let set = |value| Op::Ap {
            value: Base::Bool(value).into(),
            target,
        };
        self.emit(
            out,
            Op::Xor(
                Box::new(Op::Match {
                    equal,
                    left,
                    right,
                    body: Box::new(set(true)),
                }),
                Box::new(set(false)),
            ),
        );
        target.into()
    }

    /// Asks a host function that every peer has.
    pub(super) fn builtin(
        &mut self,
        service: &str,
        function: &str,
        args: Vec<Value>,
        out: &mut Vec<Op>,
    ) -> Value {
        let output = self.temporary();
        let frame = self.frame;
        self.emit(
            out,
            Op::Call {
                frame,
                service: text(service),
                function: text(function),
                args,
                output: Some(output),
                site: self.site,
            },
        );
        output.into()
    }
}
