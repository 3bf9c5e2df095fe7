//! Cron expressions of five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).
//!
//! Only their form is checked here: when they fire is for whoever runs them.

const FIELDS: [(&str, u32, u32); 5] = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
];

/// The most bytes of an expression.
const BYTES_MAX: usize = 128;

/// The expression with one space between fields, or why it is none.
pub(super) fn normal(expression: &str) -> Result<String, String> {
    let fields: Vec<&str> = expression.split_ascii_whitespace().collect();
    if expression.len() > BYTES_MAX || fields.len() != FIELDS.len() {
        return Err(format!(
            "is not five fields of at most {BYTES_MAX} bytes: minute, hour, day of the month, month, day of the week"
        ));
    }
    for (field, (what, min, max)) in fields.iter().zip(FIELDS) {
        if !field.split(',').all(|item| is_item(item, min, max)) {
            return Err(format!(
                "`{field}` is not a {what}: write `*`, numbers from {min} to {max}, ranges `a-b`, steps `/n`, and commas"
            ));
        }
    }
    Ok(fields.join(" "))
}

/// `*`, `a` or `a-b`; the first and the last also with a step, `/n`.
fn is_item(item: &str, min: u32, max: u32) -> bool {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|number| digits && (min..=max).contains(number))
    };
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let many = match range.split_once('-') {
        Some((from, to)) => {
            matches!((number(from), number(to)), (Some(from), Some(to)) if from <= to)
        }
        None => range == "*",
    };
    let step_fits = |step: &str| {
        step.bytes().all(|byte| byte.is_ascii_digit())
            && step
                .parse::<u32>()
                .is_ok_and(|step| step > 0 && step <= max)
    };
    match step {
        Some(step) => many && step_fits(step),
        None => many || number(range).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn expressions_are_checked_field_by_field() {
        for right in ["* * * * *", "*/5 0-6,12 1 1-12/3 7", "59 23 31 12 0"] {
            assert_eq!(normal(right).as_deref(), Ok(right));
        }
        assert_eq!(normal("  0\t0  * * 1 ").as_deref(), Ok("0 0 * * 1"));
        for wrong in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "3/2 * * * *",
            ", * * * *",
            "+1 * * * *",
            "1- * * * *",
            "@daily",
            "* * * jan *",
        ] {
            assert!(normal(wrong).is_err(), "{wrong}");
        }
    }
}
