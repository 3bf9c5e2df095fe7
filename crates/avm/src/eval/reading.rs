//! Reading operands: binding names to definitions, following lenses, and
//! keeping track of where values came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_air::Variable;
use weir_identity::Value;

use super::failure::{self, Cause as Why, code};
use super::lens::{self, Key};
use super::machine::Machine;
use super::program::{Arg, Path, Read, Step};
use super::state::{
    ActId, Canon, CanonId, Datum, ElementId, FrameId, List, NO_FAILURE, Slot, Support, Val,
};
use crate::tetraplet::Tetraplet;

/// Why an operand has no value now.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The slot that has to be filled or excluded first.
    Wait(u32),
    /// Nothing can ever fill it.
    Never(Variable),
    /// It would be larger or deeper than the particle allows.
    Limit(String),
    Fail(Why),
}

impl From<Why> for Stop {
    fn from(why: Why) -> Stop {
        Stop::Fail(why)
    }
}

/// How deep a script may nest values: less than [`Value`] allows, so that an
/// argument list and an error object around it still fit.
const NESTED_MAX: u32 = 100;

/// One reading of some operands: what they needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub act: ActId,
    pub frame: FrameId,
    pub support: Support,
    /// Control could not have come here before these values were settled.
    pub definite: bool,
}

/// A value as an argument of a call.
pub(crate) struct Argument {
    pub value: Value,
    pub tetraplets: Vec<Arc<Tetraplet>>,
}

impl Machine {
    pub(super) fn reading(&self, act: ActId) -> Reading {
        let record = &self.acts[act as usize];
        Reading {
            act,
            frame: record.frame,
            support: record.flow.support,
            definite: true,
        }
    }

    /// Binds a name: the last definition in script order that is not excluded.
    fn bind(&mut self, at: &mut Reading, read: &Read) -> Result<Datum, Stop> {
        let mut next = read.site;
        while let Some(index) = next {
            let site = *self.program.site(index);
            let frame = self.frame_above(at.frame, read.depth - site.depth);
            at.definite &= site.is_definite(read);
            let Some(slot) = site.slot else {
                let chain = self.frames[frame as usize].chain;
                at.support = at
                    .support
                    .and(self.chains[chain as usize].support, self.base);
                return self.iterated(frame).map(Datum::One);
            };
            let place = self.frames[frame as usize].slots + slot;
            match &self.slots[place as usize] {
                Slot::Value(datum, support) => {
                    at.support = at.support.and(*support, self.base);
                    return Ok(datum.clone());
                }
                Slot::Excluded(support) => at.support = at.support.and(*support, self.base),
                Slot::Empty | Slot::Stream(_) | Slot::Error(_) => return Err(Stop::Wait(place)),
            }
            next = if site.is_last_for(read.node) {
                None
            } else {
                site.previous
            };
        }
        if read.hidden {
            let name = self.program.script().name(read.variable);
            return Err(Stop::Fail(Why::new(
                code::HIDDEN,
                format!("variable {name} was declared by new and has no value"),
            )));
        }
        Err(Stop::Never(read.variable))
    }

    /// The value of the iterator of a frame.
    fn iterated(&mut self, frame: FrameId) -> Result<Val, Stop> {
        let frame = &self.frames[frame as usize];
        let element = match &self.chains[frame.chain as usize].list {
            List::Array { value, tetraplet } => {
                let items = value.as_array().unwrap_or_default();
                return Ok(Val {
                    value: items
                        .get(frame.index as usize)
                        .cloned()
                        .unwrap_or(Value::Null),
                    tetraplet: Arc::new(tetraplet.through(&format!(".$.[{}]", frame.index))),
                });
            }
            List::Canon(canon) => {
                let canon = self.canons[*canon as usize];
                self.lists[canon.list as usize][frame.index as usize]
            }
            List::Pairs(items) | List::Batch(items) => items[frame.index as usize],
        };
        self.item(element)
    }

    /// An element as an iterator shows it: the value, or the pair of a map.
    fn item(&mut self, element: ElementId) -> Result<Val, Stop> {
        let element = &self.elements[element as usize];
        let val = element.val.clone();
        let Some(key) = &element.key else {
            return Ok(val);
        };
        let pair = failure::object([("key", key.clone()), ("value", val.value)]);
        Ok(Val {
            value: self.bounded(pair)?,
            tetraplet: val.tetraplet,
        })
    }

    /// A value that was made of others, unless it exceeds a limit.
    pub(super) fn bounded(&mut self, value: Value) -> Result<Value, Stop> {
        let measure = self.measures.of(&value);
        if measure.depth > NESTED_MAX {
            return Err(Stop::Limit(format!(
                "a value would be nested deeper than {NESTED_MAX}"
            )));
        }
        self.within_bytes(measure.bytes)?;
        Ok(value)
    }

    pub(super) fn within_bytes(&self, bytes: u64) -> Result<(), Stop> {
        let limit = self.limits.value_bytes;
        if bytes <= u64::from(limit) {
            return Ok(());
        }
        Err(Stop::Limit(format!(
            "a value would have {bytes} bytes, the particle's limit is {limit}"
        )))
    }

    pub(super) fn canon_elements(&self, canon: Canon) -> &[ElementId] {
        &self.lists[canon.list as usize][..canon.length as usize]
    }

    fn keys(&mut self, at: &mut Reading, steps: &[Step]) -> Result<Vec<Key>, Stop> {
        steps
            .iter()
            .map(|step| match step {
                Step::Field(name) => Ok(Key::Field(name.clone())),
                Step::Index(index) => Ok(Key::Index(*index)),
                Step::Read(read) => match self.bind(at, read)? {
                    Datum::One(val) => Key::of(&val.value).map_err(Stop::Fail),
                    Datum::Canon(_) | Datum::CanonMap(_) => Err(Stop::Fail(Why::new(
                        code::LENS,
                        "a canon cannot be used as an accessor",
                    ))),
                },
            })
            .collect()
    }

    /// An operand without its lens applied to anything but scalars: a canon
    /// without lens stays a canon.
    pub(super) fn datum(&mut self, at: &mut Reading, arg: &Arg) -> Result<Datum, Stop> {
        let origin = self.literal.clone();
        let literal = |value: Value| {
            Ok(Datum::One(Val {
                value,
                tetraplet: origin,
            }))
        };
        match arg {
            Arg::Const(value) => literal(value.clone()),
            Arg::InitPeer => literal(Value::from(self.peer_text(self.init).as_ref())),
            Arg::Timestamp => literal(unsigned(self.timestamp_ms)),
            Arg::Ttl => literal(unsigned(self.ttl_ms)),
            Arg::LastError(path) => {
                let last = self.acts[at.act as usize].flow.last;
                self.error_value(at, last, true, path.as_ref())
            }
            Arg::Error(place, path) => {
                let caught = place.map_or(NO_FAILURE, |place| self.caught(at.frame, place));
                self.error_value(at, caught, false, path.as_ref())
            }
            Arg::Read(read, path) => {
                let datum = self.bind(at, read)?;
                let Some(path) = path else { return Ok(datum) };
                let keys = match path {
                    Path::Length => None,
                    Path::Steps(steps) => Some(self.keys(at, steps)?),
                };
                self.through(datum, keys.as_deref()).map(Datum::One)
            }
        }
    }

    /// The error that the enclosing `xor` caught.
    pub(super) fn caught(&self, frame: FrameId, place: super::program::Place) -> u32 {
        let frame = self.frame_above(frame, place.up);
        match self.slots[(self.frames[frame as usize].slots + place.slot) as usize] {
            Slot::Error(failure) => failure,
            _ => NO_FAILURE,
        }
    }

    fn error_value(
        &mut self,
        at: &mut Reading,
        id: u32,
        last: bool,
        path: Option<&Path>,
    ) -> Result<Datum, Stop> {
        let (object, tetraplet) = if id == NO_FAILURE {
            (failure::no_error(), self.literal.clone())
        } else {
            let failure = &self.failures[id as usize];
            let object = if last { failure.last.clone() } else { None };
            (
                object.unwrap_or_else(|| failure.shown.clone()),
                failure.tetraplet.clone(),
            )
        };
        let value = match path {
            None => object,
            Some(Path::Length) => lens::length(&object).map_err(Stop::Fail)?,
            Some(Path::Steps(steps)) => {
                lens::select(&object, &self.keys(at, steps)?).map_err(Stop::Fail)?
            }
        };
        Ok(Datum::One(Val { value, tetraplet }))
    }

    /// Applies a lens; `None` is `.length`.
    fn through(&mut self, datum: Datum, keys: Option<&[Key]>) -> Result<Val, Stop> {
        match (datum, keys) {
            (Datum::One(val), None) => Ok(Val {
                value: lens::length(&val.value)?,
                tetraplet: Arc::new(val.tetraplet.through(".length")),
            }),
            (Datum::One(val), Some(keys)) => Ok(Val {
                value: lens::select(&val.value, keys)?,
                tetraplet: Arc::new(val.tetraplet.through(&lens::path_text(keys))),
            }),
            (Datum::Canon(id) | Datum::CanonMap(id), None) => {
                let canon = self.canons[id as usize];
                Ok(Val {
                    value: Value::from(i64::from(canon.length)),
                    tetraplet: Arc::new(self.said_by(canon).through(".length")),
                })
            }
            (Datum::Canon(id), Some(keys)) => Ok(self.in_list(self.canons[id as usize], keys)?),
            (Datum::CanonMap(id), Some(keys)) => self.in_map(self.canons[id as usize], keys),
        }
    }

    fn in_list(&self, canon: Canon, keys: &[Key]) -> Result<Val, Why> {
        let (first, rest) = keys
            .split_first()
            .expect("the grammar gives a path an accessor");
        let index = match first {
            Key::Index(index) => *index,
            Key::Field(name) => {
                return Err(Why::new(
                    code::LENS,
                    format!(
                        "field {} was asked of a canon, which has only indices",
                        failure::cut_name(name)
                    ),
                ));
            }
            Key::Number(n) => {
                return Err(Why::new(
                    code::LENS,
                    format!("index {} does not fit 32 bits", n.to_json()),
                ));
            }
        };
        let elements = self.canon_elements(canon);
        let Some(element) = elements.get(index as usize) else {
            return Err(Why::new(
                code::LENS,
                format!(
                    "canon has {} elements, none with the index {index}",
                    elements.len()
                ),
            ));
        };
        let val = &self.elements[*element as usize].val;
        if rest.is_empty() {
            return Ok(val.clone());
        }
        Ok(Val {
            value: lens::select(&val.value, rest)?,
            tetraplet: Arc::new(val.tetraplet.through(&lens::path_text(rest))),
        })
    }

    fn in_map(&mut self, canon: Canon, keys: &[Key]) -> Result<Val, Stop> {
        let (first, rest) = keys
            .split_first()
            .expect("the grammar gives a path an accessor");
        let wanted = match first {
            Key::Field(name) => Value::String(name.clone()),
            Key::Index(index) => Value::from(i64::from(*index)),
            Key::Number(n) => n.clone(),
        };
        self.index_map(canon.list);
        let said = self.said_by(canon);
        let under = self
            .map_keys
            .get(&canon.list)
            .and_then(|index| index.places.get(&map_key(&wanted)))
            .map_or(&[][..], Vec::as_slice);
        let found = &under[..under.partition_point(|place| *place < canon.length)];
        let list = &self.lists[canon.list as usize];
        let val = |place: &u32| &self.elements[list[*place as usize] as usize].val;
        let second = if found.is_empty() {
            None
        } else {
            rest.split_first()
        };
        let Some((second, deeper)) = second else {
            let values: Vec<Value> = found.iter().map(|place| val(place).value.clone()).collect();
            let tetraplet = Arc::new(said.through(&lens::path_text(keys)));
            return Ok(Val {
                value: self.bounded(Value::from(values))?,
                tetraplet,
            });
        };
        let Key::Index(index) = second else {
            return Err(Stop::Fail(Why::new(
                code::LENS,
                "the values under a key of a canon map are an array: expected an index",
            )));
        };
        let Some(val) = found.get(*index as usize).map(val) else {
            return Err(Stop::Fail(Why::new(
                code::LENS,
                format!(
                    "{} values stand under the key {}, none with the index {index}",
                    found.len(),
                    failure::shown(&wanted)
                ),
            )));
        };
        if deeper.is_empty() {
            return Ok(val.clone());
        }
        Ok(Val {
            value: lens::select(&val.value, deeper)?,
            tetraplet: Arc::new(val.tetraplet.through(&lens::rest_text(deeper))),
        })
    }

    /// Brings the index of a list of pairs up to its length.
    fn index_map(&mut self, list: u32) {
        let index = self.map_keys.entry(list).or_default();
        let items = &self.lists[list as usize];
        for (place, id) in items.iter().enumerate().skip(index.length) {
            if let Some(key) = &self.elements[*id as usize].key {
                let places = index.places.entry(map_key(key)).or_default();
                places.push(place as u32);
            }
        }
        index.length = items.len();
    }

    /// The origin of what a canon peer froze.
    pub(super) fn said_by(&self, canon: Canon) -> Arc<Tetraplet> {
        Arc::new(Tetraplet::literal(self.peer_text(canon.peer).clone()))
    }

    /// A whole canon as a JSON array, a canon map as an object of arrays.
    fn whole(&mut self, datum: &Datum) -> Result<Value, Stop> {
        let (Datum::Canon(id) | Datum::CanonMap(id)) = datum else {
            let Datum::One(val) = datum else {
                unreachable!("the two other kinds of datum were matched above");
            };
            return Ok(val.value.clone());
        };
        if let Some(value) = self.wholes.get(id) {
            return Ok(value.clone());
        }
        let value = if let Datum::CanonMap(id) = datum {
            self.map_object(*id)
        } else {
            let elements = self.canon_elements(self.canons[*id as usize]);
            elements
                .iter()
                .map(|e| self.elements[*e as usize].val.value.clone())
                .collect()
        };
        let value = self.bounded(value)?;
        self.wholes.insert(*id, value.clone());
        Ok(value)
    }

    /// Where a string and an integer key have one text, the string key wins.
    fn map_object(&self, id: CanonId) -> Value {
        let mut strings: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        let mut numbers: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        for element in self.canon_elements(self.canons[id as usize]) {
            let element = &self.elements[*element as usize];
            let (table, key) = match &element.key {
                Some(Value::String(key)) => (&mut strings, key.clone()),
                Some(key) => (&mut numbers, key.to_json().into()),
                None => continue,
            };
            table
                .entry(key)
                .or_default()
                .push(element.val.value.clone());
        }
        numbers.extend(strings);
        Value::Object(Arc::new(
            numbers
                .into_iter()
                .map(|(k, v)| (k, Value::from(v)))
                .collect(),
        ))
    }

    /// One object with the first value of each key.
    pub(super) fn first_values(&self, elements: &[ElementId]) -> Value {
        let mut strings: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        let mut numbers: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for element in elements {
            let element = &self.elements[*element as usize];
            let (table, key) = match &element.key {
                Some(Value::String(key)) => (&mut strings, key.clone()),
                Some(key) => (&mut numbers, key.to_json().into()),
                None => continue,
            };
            table
                .entry(key)
                .or_insert_with(|| element.val.value.clone());
        }
        numbers.extend(strings);
        Value::Object(Arc::new(numbers))
    }

    /// An operand as one value with one origin.
    pub(super) fn val(&mut self, at: &mut Reading, arg: &Arg) -> Result<Val, Stop> {
        let datum = self.datum(at, arg)?;
        if let Datum::One(val) = datum {
            return Ok(val);
        }
        let (Datum::Canon(id) | Datum::CanonMap(id)) = datum else {
            unreachable!("the third kind of datum was returned above");
        };
        Ok(Val {
            value: self.whole(&datum)?,
            tetraplet: self.said_by(self.canons[id as usize]),
        })
    }

    /// An operand as an argument: a whole canon keeps the origin of each element.
    pub(super) fn argument(&mut self, at: &mut Reading, arg: &Arg) -> Result<Argument, Stop> {
        let datum = self.datum(at, arg)?;
        let tetraplets = match &datum {
            Datum::One(val) => vec![val.tetraplet.clone()],
            Datum::Canon(id) | Datum::CanonMap(id) => self
                .canon_elements(self.canons[*id as usize])
                .iter()
                .map(|e| self.elements[*e as usize].val.tetraplet.clone())
                .collect(),
        };
        Ok(Argument {
            value: self.whole(&datum)?,
            tetraplets,
        })
    }

    /// An operand that must be a string: the name of a peer, service or function.
    pub(super) fn text(&mut self, at: &mut Reading, arg: &Arg) -> Result<Arc<str>, Stop> {
        match self.val(at, arg)?.value {
            Value::String(text) => Ok(text),
            other => {
                let name = match arg {
                    Arg::Read(read, _) => self.program.script().name(read.variable),
                    _ => "operand",
                };
                Err(Stop::Fail(Why::new(
                    code::NOT_STRING,
                    format!("{name} is {}, expected a string", failure::shown(&other)),
                )))
            }
        }
    }
}

/// A key of a map: whether it is a string, and its text.
fn map_key(key: &Value) -> (bool, Arc<str>) {
    match key {
        Value::String(text) => (true, text.clone()),
        number => (false, number.to_json().into()),
    }
}

/// Where the pairs of each key stand in a list, as far as it has been looked at.
#[derive(Debug, Default)]
pub(super) struct MapKeys {
    length: usize,
    places: FxHashMap<(bool, Arc<str>), Vec<u32>>,
}

fn unsigned(n: u64) -> Value {
    i64::try_from(n).map_or(Value::Uint(n), Value::from)
}
