//! Sizes, times and numbers as they are written in files.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A number of bytes: a number, or text such as `4 MiB`.
#[derive(Clone, Copy)]
pub(super) struct Size(pub(super) u64);

/// The longest time that an effect may be given.
const SPAN_MAX: Duration = Duration::from_secs(3600);

/// A time: text such as `10s` or `500ms`.
#[derive(Clone, Copy)]
pub(super) struct Span(pub(super) Duration);

/// How many at one time.
#[derive(Clone, Copy)]
pub(super) struct Count(pub(super) usize);

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = match NumberOrText::deserialize(from) {
            Ok(NumberOrText::Number(bytes)) => Some(bytes),
            Ok(NumberOrText::Text(text)) => bytes(&text),
            Err(_) => None,
        };
        bytes.map(Size).ok_or_else(|| {
            de::Error::custom("expected a size, such as 4096, \"64 KiB\" or \"4 MiB\"")
        })
    }
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit: u64 = match unit.trim_start_matches(' ') {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let span = humantime::parse_duration(&text).ok();
        let possible = |span: &Duration| !span.is_zero() && *span <= SPAN_MAX;
        span.filter(possible).map(Span).ok_or_else(|| {
            de::Error::custom("expected a time of at most one hour, such as \"10s\" or \"500ms\"")
        })
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match usize::deserialize(from)? {
            number @ 1..=10_000 => Ok(Count(number)),
            _ => Err(de::Error::custom("expected a number from 1 to 10000")),
        }
    }
}
