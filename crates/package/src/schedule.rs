//! When a function is to run without being called. Schedules are kept in packages; nothing runs them yet.

mod cron;

use std::collections::BTreeSet;

use weir_identity::Value;

use crate::error::FormatError;
use crate::name::check_name;

/// The longest period: 100 years of 365 days.
pub const PERIOD_S_MAX: u64 = 100 * 365 * 86_400;

/// The most bytes of the name of a function.
const FUNCTION_BYTES_MAX: usize = 256;

/// The most bytes of arguments, as canonical DAG-CBOR.
const ARGUMENT_BYTES_MAX: usize = 4096;

/// A function of the package's Aqua and when it is to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    name: String,
    run: String,
    trigger: Trigger,
    args: Value,
}

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Once, at this second since 1970 in UTC, or at once if that is past.
    Once(u64),
    /// At the start and then with a period; without a start from the installation on.
    Every {
        /// Seconds from one run to the next; missed runs are not made up for.
        period_s: u64,
        /// Within which time.
        span: Span,
    },
    /// At the minutes of a cron expression of five fields, in UTC.
    Cron {
        /// The expression, its fields one space apart.
        expression: String,
        /// Within which time.
        span: Span,
    },
    /// At events.
    On(BTreeSet<Event>),
}

/// A time from `start` to before `end`, in seconds since 1970 in UTC; open where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub start: Option<u64>,
    /// The first second that does not belong to it.
    pub end: Option<u64>,
}

/// What a schedule can wait for, beside time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A block of the chain.
    Block,
    /// A peer connects.
    Connect,
    /// A peer disconnects.
    Disconnect,
}

impl Event {
    const ALL: [Self; 3] = [Self::Block, Self::Connect, Self::Disconnect];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
        }
    }
}

impl Schedule {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The function of Aqua that runs.
    pub fn function(&self) -> &str {
        &self.run
    }

    /// When.
    pub fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// Its arguments by name: an object.
    pub fn args(&self) -> &Value {
        &self.args
    }

    /// Reads an object with `name`, `run`, `args` and one of `every` (seconds), `cron`, `on`, or `start` alone for one
    /// run.
    pub(crate) fn from_value(value: &Value, at: &str) -> Result<Self, FormatError> {
        let known = ["args", "cron", "end", "every", "name", "on", "run", "start"];
        let fields = value
            .as_object()
            .ok_or_else(|| FormatError::new(at, "is not an object"))?;
        if let Some(field) = fields.keys().find(|field| !known.contains(&&***field)) {
            let problem = format!("is not known; known are {known:?}");
            return Err(FormatError::new(format!("{at}.{field:.64}"), problem));
        }
        let inside = |key: &str| format!("{at}.{key}");
        let text = |key: &str| match fields.get(key) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(FormatError::new(inside(key), "is not text")),
            },
        };
        let number = |key: &str| match fields.get(key) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(FormatError::new(inside(key), "is not a number of seconds")),
            },
        };
        let missing = |key: &str| FormatError::new(inside(key), "is missing");
        let name = text("name")?.ok_or_else(|| missing("name"))?;
        check_name(name, &inside("name"))?;
        let run = text("run")?.ok_or_else(|| missing("run"))?;
        check_function(run, &inside("run"))?;
        let span = Span {
            start: number("start")?,
            end: number("end")?,
        };
        if let (Some(start), Some(end)) = (span.start, span.end)
            && end <= start
        {
            return Err(FormatError::new(inside("end"), "is not after `start`"));
        }
        let trigger = match (number("every")?, text("cron")?, fields.get("on"), span) {
            (Some(period_s), None, None, span) => {
                if !(1..=PERIOD_S_MAX).contains(&period_s) {
                    let problem = "is not between one second and 100 years";
                    return Err(FormatError::new(inside("every"), problem));
                }
                Trigger::Every { period_s, span }
            }
            (None, Some(cron), None, span) => Trigger::Cron {
                expression: cron::normal(cron)
                    .map_err(|why| FormatError::new(inside("cron"), why))?,
                span,
            },
            (
                None,
                None,
                Some(on),
                Span {
                    start: None,
                    end: None,
                },
            ) => Trigger::On(events(on, &inside("on"))?),
            (
                None,
                None,
                None,
                Span {
                    start: Some(start),
                    end: None,
                },
            ) => Trigger::Once(start),
            _ => {
                let problem = "needs exactly one of `every`, `cron`, `on`, or `start` alone for one run; only `every` and `cron` go with `end`";
                return Err(FormatError::new(at, problem));
            }
        };
        let args = fields.get("args").cloned();
        let args = args.unwrap_or_else(|| std::iter::empty::<(&str, Value)>().collect());
        if args.as_object().is_none() || args.to_dag_cbor().len() > ARGUMENT_BYTES_MAX {
            let problem = format!("is not an object of at most {ARGUMENT_BYTES_MAX} bytes");
            return Err(FormatError::new(inside("args"), problem));
        }
        Ok(Self {
            name: name.to_owned(),
            run: run.to_owned(),
            trigger,
            args,
        })
    }

    /// The object that is read: what is absent is not written, but `args` always is.
    pub(crate) fn to_value(&self) -> Value {
        let mut fields: Vec<(&str, Value)> = vec![
            ("name", self.name.as_str().into()),
            ("run", self.run.as_str().into()),
            ("args", self.args.clone()),
        ];
        let span = match &self.trigger {
            Trigger::Once(start) => Span {
                start: Some(*start),
                end: None,
            },
            Trigger::Every { period_s, span } => {
                fields.push(("every", (*period_s).into()));
                *span
            }
            Trigger::Cron { expression, span } => {
                fields.push(("cron", expression.as_str().into()));
                *span
            }
            Trigger::On(events) => {
                let names = events.iter().map(|event| Value::from(event.name()));
                fields.push(("on", names.collect()));
                Span::default()
            }
        };
        fields.extend(span.start.map(|start| ("start", start.into())));
        fields.extend(span.end.map(|end| ("end", end.into())));
        fields.into_iter().collect()
    }
}

fn check_function(name: &str, at: &str) -> Result<(), FormatError> {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if begins && name.len() <= FUNCTION_BYTES_MAX && name.bytes().all(may) {
        return Ok(());
    }
    Err(FormatError::new(
        at,
        "is not the name of a function of Aqua",
    ))
}

fn events(value: &Value, at: &str) -> Result<BTreeSet<Event>, FormatError> {
    let wrong = || FormatError::new(at, "is not a list of `block`, `connect`, `disconnect`");
    let list = value
        .as_array()
        .filter(|list| !list.is_empty() && list.len() <= Event::ALL.len());
    let event = |item: &Value| {
        let name = item.as_str()?;
        Event::ALL.into_iter().find(|event| event.name() == name)
    };
    let list = list.ok_or_else(wrong)?.iter();
    list.map(|item| event(item).ok_or_else(wrong)).collect()
}
