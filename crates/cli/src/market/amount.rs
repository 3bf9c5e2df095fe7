//! Amounts of coins and tokens, which have eighteen digits behind the point.

use alloy_primitives::U256;

use crate::code::Code;
use crate::failure::Failure;

/// An amount in its smallest unit as one with a point before the last eighteen digits, zeros at its end left out.
pub(crate) fn whole(smallest: &str) -> String {
    const DIGITS: usize = 18;
    let padded = format!("{smallest:0>width$}", width = DIGITS + 1);
    let (before, after) = padded.split_at(padded.len() - DIGITS);
    match after.trim_end_matches('0') {
        "" => before.to_owned(),
        after => format!("{before}.{after}"),
    }
}

/// An amount of whole coins or tokens, with at most eighteen digits behind the point, in the smallest unit.
pub(crate) fn smallest(text: &str) -> Result<U256, Failure> {
    let wrong = || {
        Failure::new(Code::Usage, format!("`{text}` is no amount"))
            .cause("write whole coins or tokens with at most 18 digits behind the point, like 2.5")
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 18 || whole.len() > 40 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    format!("{whole}{part:0<18}").parse().map_err(|_| wrong())
}

/// What comes to so much for an epoch of so many seconds comes to in a day.
pub(crate) fn per_day(rate: U256, epoch_seconds: u64) -> U256 {
    rate.saturating_mul(U256::from(86_400 / epoch_seconds.clamp(1, 86_400)))
}

#[cfg(test)]
mod tests {
    use super::{smallest, whole};

    #[test]
    fn amounts_have_a_point_before_the_last_eighteen_digits() {
        for (smallest, shown) in [
            ("0", "0"),
            ("1", "0.000000000000000001"),
            ("1000000000000000000", "1"),
            ("1500000000000000000", "1.5"),
            ("123000000000000000000", "123"),
        ] {
            assert_eq!(whole(smallest), shown);
        }
    }

    #[test]
    fn amounts_are_whole_with_a_part() {
        let read = |text| smallest(text).ok().map(|units| units.to_string());
        assert_eq!(read("2.5").as_deref(), Some("2500000000000000000"));
        assert_eq!(read("7").as_deref(), Some("7000000000000000000"));
        assert_eq!(read("0.000000000000000001").as_deref(), Some("1"));
        for wrong in ["", ".5", "-1", "1.0000000000000000001", "1e3", "1.2.3"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
