//! Reads a case from JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use weir_identity::Value;

use weir_aqua::files::Files;

use super::aqua;
use super::unique::field_that_stands_twice;
use super::{Case, CaseError, Mock, Names, PEERS_MAX, TTL_MS_MAX};

/// Fields of a case.
const FIELDS: [&str; 8] = [
    "air",
    "init",
    "peers",
    "services",
    "echo",
    "seed",
    "ttl_ms",
    "timestamp_ms",
];

/// What a case may carry beside them, of whatever type: its name, what the reference interpreter reads, and what is
/// expected, in the words of a report.
const REMARKS: [&str; 11] = [
    "id", "limit", "schedule", "calls", "hops", "errors", "messages", "bytes", "steps", "entries",
    "pending",
];

/// Fields of a mock.
const MOCK: [&str; 3] = ["ok", "err", "code"];

pub(super) fn case(text: &str, files: &dyn Files) -> Result<Case, CaseError> {
    let value = Value::from_json(text).map_err(|error| CaseError::Json(error.to_string()))?;
    if let Some(path) = field_that_stands_twice(text) {
        let problem = "the field stands twice in its object".to_owned();
        return Err(CaseError::Value { path, problem });
    }
    let root = Place {
        value: &value,
        path: "$".to_owned(),
    };
    root.check(value.as_object().is_some(), "an object")?;
    let is_aqua = root.field("aqua").is_some();
    if is_aqua && let Some(air) = root.field("air") {
        return Err(air.wrong("a case has either `air` or `aqua`".to_owned()));
    }
    let mut case = if is_aqua {
        root.only(&[FIELDS.as_slice(), &aqua::FIELDS].concat(), &REMARKS)?;
        Case::new("")
    } else {
        root.only(&FIELDS, &REMARKS)?;
        Case::new(root.require("air")?.text()?)
    };
    if let Some(init) = root.field("init") {
        case.init = init.name()?;
    }
    if let Some(peers) = root.field("peers") {
        case.peers = peers.names()?;
    }
    let names = Names::new(case.names());
    if let Some(services) = root.field("services") {
        case.services = services.mocks(&names)?;
    }
    if let Some(echo) = root.field("echo") {
        echo.check(echo.value.as_bool().is_some(), "a boolean")?;
        case.echo = echo.value.as_bool().unwrap_or_default();
    }
    if let Some(seed) = root.field("seed") {
        case.seed = seed.unsigned()?;
    }
    if let Some(ttl) = root.field("ttl_ms") {
        case.ttl_ms = ttl.unsigned()?;
        if case.ttl_ms > TTL_MS_MAX {
            return Err(ttl.wrong(format!("more than a year ({TTL_MS_MAX} ms)")));
        }
    }
    if let Some(timestamp) = root.field("timestamp_ms") {
        case.timestamp_ms = timestamp.unsigned()?;
        if case.timestamp_ms > u64::MAX / 2 {
            return Err(timestamp.wrong(format!("more than {} ms", u64::MAX / 2)));
        }
    }
    if is_aqua {
        aqua::compile(&root, &mut case, files)?;
    }
    Ok(case)
}

/// A value and where it stands.
pub(super) struct Place<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Place<'a> {
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A field that has no default.
    pub(super) fn require(&self, name: &str) -> Result<Place<'a>, CaseError> {
        self.field(name).ok_or_else(|| CaseError::Missing {
            path: format!("{}.{name}", self.path),
        })
    }

    pub(super) fn paths(&self) -> Result<Vec<PathBuf>, CaseError> {
        self.check(self.value.as_array().is_some(), "an array of folders")?;
        let items = self.value.as_array().unwrap_or_default().iter().enumerate();
        let paths = items.map(|(index, value)| {
            let path = format!("{}[{index}]", self.path);
            Ok(PathBuf::from(Place { value, path }.text()?))
        });
        paths.collect()
    }

    pub(super) fn field(&self, name: &str) -> Option<Place<'a>> {
        Some(Place {
            value: self.value.get(name)?,
            path: format!("{}.{name}", self.path),
        })
    }

    pub(super) fn check(&self, right: bool, expected: &'static str) -> Result<(), CaseError> {
        if right {
            return Ok(());
        }
        let (path, found) = (self.path.clone(), self.value.kind());
        Err(CaseError::Type {
            path,
            expected,
            found,
        })
    }

    pub(super) fn wrong(&self, problem: String) -> CaseError {
        CaseError::Value {
            path: self.path.clone(),
            problem,
        }
    }

    /// Refuses fields with other names, which are likely to be misspelt.
    fn only(&self, known: &[&str], ignored: &[&str]) -> Result<(), CaseError> {
        let names = self.value.as_object().into_iter().flatten();
        let mut names = names.map(|(name, _)| name.as_ref());
        let unknown = names.find(|name| !known.contains(name) && !ignored.contains(name));
        unknown.map_or(Ok(()), |name| {
            let known = known.join(", ");
            Err(self.wrong(format!("there is no field `{name}`, known are: {known}")))
        })
    }

    pub(super) fn text(&self) -> Result<&'a str, CaseError> {
        self.check(self.value.as_str().is_some(), "a string")?;
        Ok(self.value.as_str().unwrap_or_default())
    }

    fn unsigned(&self) -> Result<u64, CaseError> {
        if let Some(number) = self.value.as_u64() {
            return Ok(number);
        }
        self.check(self.value.kind() == "number", "a number")?;
        Err(self.wrong(format!("{} is not an unsigned integer", self.value)))
    }

    pub(super) fn name(&self) -> Result<Arc<str>, CaseError> {
        let name = self.text()?;
        if !Names::is_name(name) {
            return Err(self.wrong(format!(
                "`{name}` is not a name: a letter, then letters, digits and `_`"
            )));
        }
        Ok(Arc::from(name))
    }

    fn names(&self) -> Result<Vec<Arc<str>>, CaseError> {
        self.check(self.value.as_array().is_some(), "an array of names")?;
        let items = self.value.as_array().unwrap_or_default();
        if items.len() > PEERS_MAX {
            return Err(self.wrong(format!(
                "{} peers, at most {PEERS_MAX} are possible",
                items.len()
            )));
        }
        let mut seen = BTreeSet::new();
        let mut names = Vec::with_capacity(items.len());
        for (index, value) in items.iter().enumerate() {
            let place = Place {
                value,
                path: format!("{}[{index}]", self.path),
            };
            let name = place.name()?;
            if !seen.insert(name.clone()) {
                return Err(place.wrong(format!("the name `{name}` stands twice")));
            }
            names.push(name);
        }
        Ok(names)
    }

    fn mocks(&self, names: &Names) -> Result<BTreeMap<Arc<str>, Mock>, CaseError> {
        self.check(self.value.as_object().is_some(), "an object")?;
        let fields = self.value.as_object().into_iter().flatten();
        let mocks = fields.map(|(name, value)| {
            let place = Place {
                value,
                path: format!("{}[{}]", self.path, Value::from(name.clone())),
            };
            let (peer, call) = name
                .split_once('/')
                .map_or((None, name.as_ref()), |(p, c)| (Some(p), c));
            if let Some(peer) = peer.filter(|peer| !names.contains(peer)) {
                return Err(place.wrong(format!("there is no peer `{peer}`")));
            }
            if call
                .split_once('.')
                .is_none_or(|(service, function)| service.is_empty() || function.is_empty())
            {
                return Err(
                    place.wrong("expected a name like `srv.fn` or `peer/srv.fn`".to_owned())
                );
            }
            Ok((name.clone(), place.mock()?))
        });
        mocks.collect()
    }

    fn mock(&self) -> Result<Mock, CaseError> {
        self.check(self.value.as_object().is_some(), "an object")?;
        self.only(&MOCK, &[])?;
        match (self.field("ok"), self.field("err")) {
            (Some(ok), None) => match self.field("code") {
                Some(code) => Err(code.wrong("a code belongs to `err`, not to `ok`".to_owned())),
                None => Ok(Mock::Ok(ok.value.clone())),
            },
            (None, Some(err)) => {
                let code = self.field("code").map_or(Ok(1), |code| code.code())?;
                Ok(Mock::Err {
                    message: err.value.clone(),
                    code,
                })
            }
            _ => Err(self.wrong("expected one of `ok` and `err`".to_owned())),
        }
    }

    fn code(&self) -> Result<i32, CaseError> {
        self.check(self.value.kind() == "number", "a number")?;
        let code = self
            .value
            .as_i64()
            .and_then(|code| i32::try_from(code).ok())
            .filter(|code| *code != 0);
        code.ok_or_else(|| {
            self.wrong(format!(
                "{} is not a 32-bit integer other than 0",
                self.value
            ))
        })
    }
}
