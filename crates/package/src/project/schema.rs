//! `package.toml` as it is written.

use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;
use weir_identity::Value;

use crate::error::FormatError;
use crate::schedule;

use super::object;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) package: Package,
    #[serde(default)]
    pub(super) service: Vec<Service>,
    #[serde(default)]
    pub(super) aqua: Aqua,
    #[serde(default)]
    pub(super) schedule: Vec<Schedule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) component: String,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    #[serde(default)]
    pub(super) grants: toml::Table,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Aqua {
    pub(super) files: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedule {
    name: String,
    run: String,
    #[serde(default)]
    args: toml::Table,
    every: Option<String>,
    cron: Option<String>,
    on: Option<Vec<String>>,
    start: Option<String>,
    end: Option<String>,
}

impl Schedule {
    /// Times as people write them become seconds; the rest is judged as in a package.
    pub(super) fn read(self) -> Result<schedule::Schedule, FormatError> {
        let at = format!("schedule.{}", self.name);
        let mut fields: Vec<(&str, Value)> = vec![
            ("name", self.name.into()),
            ("run", self.run.into()),
            ("args", value(self.args, &format!("{at}.args"))?),
        ];
        if let Some(every) = self.every {
            let at = format!("{at}.every");
            let period = humantime::parse_duration(&every).map_err(|error| {
                FormatError::new(&at, format!("{error}; write it like `30s` or `2h`"))
            })?;
            if period != Duration::from_secs(period.as_secs()) {
                return Err(FormatError::new(at, "is not a whole number of seconds"));
            }
            fields.push(("every", period.as_secs().into()));
        }
        for (name, time) in [("start", self.start), ("end", self.end)] {
            let Some(time) = time else { continue };
            let wrong = || {
                let problem = "is not a time since 1970 like `2026-01-31T12:00:00Z`";
                FormatError::new(format!("{at}.{name}"), problem)
            };
            let time = humantime::parse_rfc3339(&time).map_err(|_| wrong())?;
            let time = time.duration_since(UNIX_EPOCH).map_err(|_| wrong())?;
            fields.push((name, time.as_secs().into()));
        }
        fields.extend(self.cron.map(|cron| ("cron", cron.into())));
        let events = self.on.map(|on| on.into_iter().map(Value::from).collect());
        fields.extend(events.map(|events| ("on", events)));
        schedule::Schedule::from_value(&object(fields), &at)
    }
}

/// A table as JSON has it. The parser of TOML bounds its depth.
pub(super) fn value(table: toml::Table, at: &str) -> Result<Value, FormatError> {
    convert(toml::Value::Table(table), at)
}

fn convert(value: toml::Value, at: &str) -> Result<Value, FormatError> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Float(number) => Value::float(number)
            .ok_or_else(|| FormatError::new(at, "has a number that is not finite"))?,
        toml::Value::Datetime(_) => {
            return Err(FormatError::new(
                at,
                "has a date; write it as text, in quotes",
            ));
        }
        toml::Value::Array(items) => {
            let items = items.into_iter().map(|item| convert(item, at));
            items.collect::<Result<Value, _>>()?
        }
        toml::Value::Table(table) => {
            let fields = table
                .into_iter()
                .map(|(name, field)| Ok((name, convert(field, at)?)));
            fields.collect::<Result<Value, FormatError>>()?
        }
    })
}

/// Grants with sizes as numbers, where they are text like `4 MiB`.
pub(super) fn sizes(grants: Value, at: &str) -> Result<Value, FormatError> {
    const KEY: &str = "max_response_bytes";
    let Some(interfaces) = grants.as_object() else {
        return Ok(grants);
    };
    let mut sized = interfaces.clone();
    for (name, policy) in &mut sized {
        let Some(text) = policy.get(KEY).and_then(Value::as_str) else {
            continue;
        };
        let Some(bytes) = size(text) else {
            let problem = format!("`{text}` is no size; write it like `4 MiB`");
            return Err(FormatError::new(
                format!("{at}.grants.{name}.{KEY}"),
                problem,
            ));
        };
        let mut fields = policy.as_object().cloned().unwrap_or_default();
        fields.insert(KEY.into(), bytes.into());
        *policy = fields.into_iter().collect();
    }
    Ok(sized.into_iter().collect())
}

fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}
