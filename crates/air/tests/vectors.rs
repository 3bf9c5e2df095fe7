//! Which scripts are accepted.

use weir_air::{Limits, parse};

#[test]
fn scripts_are_accepted_or_rejected_as_the_vectors_say() {
    let mut wrong = String::new();
    for (number, line) in include_str!("vectors.txt").lines().enumerate() {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let (verdict, script) = line.split_once(' ').expect("a verdict and a script");
        let result = parse(script.trim(), &Limits::default());
        let got = match &result {
            Ok(script) if script.warnings().is_empty() => "ok".to_owned(),
            Ok(script) => format!("warn:{}", script.warnings()[0].code),
            Err(errors) => {
                let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
                codes.join(",")
            }
        };
        if got != verdict {
            wrong.push_str(&format!("line {}: {script}\n  wanted {verdict}, got {got}\n", number + 1));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
