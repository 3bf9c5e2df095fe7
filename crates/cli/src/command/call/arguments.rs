//! Arguments as people write them.

use weir_identity::Value;

/// JSON where it parses as JSON, text otherwise: `7` is a number, `Ada` and `7 apples` are texts, `"7"` is a text.
pub(super) fn value(text: &str) -> Value {
    Value::from_json(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn what_is_no_json_is_text() {
        for (text, json) in [
            ("7", "7"),
            ("\"7\"", "\"7\""),
            ("Ada", "\"Ada\""),
            ("7 apples", "\"7 apples\""),
            ("", "\"\""),
            ("[1, {\"a\": null}]", "[1,{\"a\":null}]"),
            ("true", "true"),
            ("{oops", "\"{oops\""),
        ] {
            assert_eq!(value(text).to_json(), json, "{text}");
        }
    }
}
