//! What a policy has reported so far, and what that means. Knows callbacks, no policy.

use serde::Serialize;
use std::time::Duration;
use weir_identity::Value;

/// What one replica came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Replica {
    pub(super) name: String,
    pub(super) peer: String,
    /// Milliseconds from the start of the call until the answer was known here.
    #[serde(serialize_with = "milliseconds")]
    pub(super) time_ms: Duration,
    #[serde(flatten)]
    pub(super) answer: Answer,
}

impl Replica {
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.answer, Answer::Error(_))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    Result(Value),
    Error(Value),
}

/// How a policy said that it is over.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Done(Option<Value>),
    Unmet(String),
}

/// What the policy has reported so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) replicas: Vec<Replica>,
    pub(super) end: Option<End>,
}

impl Tally {
    /// Takes in a call of `callbackSrv`. Unknown functions and reports after the end are ignored.
    pub(super) fn callback(
        &mut self,
        function: &str,
        args: &[Value],
        at: Duration,
        name_of: impl Fn(&str) -> String,
    ) {
        if self.end.is_some() {
            return;
        }
        let first = args.first();
        match function {
            "result" | "error" => {
                let peer = first.and_then(Value::as_str).unwrap_or("?").to_owned();
                let value = args.get(1).cloned().unwrap_or(Value::Null);
                self.replicas.push(Replica {
                    name: name_of(&peer),
                    peer,
                    time_ms: at,
                    answer: if function == "result" {
                        Answer::Result(value)
                    } else {
                        Answer::Error(value)
                    },
                });
            }
            "done" => self.end = Some(End::Done(first.cloned())),
            "unmet" => {
                let reason = first.and_then(Value::as_str);
                self.end = Some(End::Unmet(
                    reason
                        .unwrap_or("its condition cannot be met any more")
                        .to_owned(),
                ));
            }
            _ => {}
        }
    }

    pub(super) fn results(&self) -> impl Iterator<Item = &Value> {
        self.replicas
            .iter()
            .filter_map(|replica| match &replica.answer {
                Answer::Result(value) => Some(value),
                Answer::Error(_) => None,
            })
    }

    pub(super) fn errors(&self) -> impl Iterator<Item = (&Replica, &Value)> {
        self.replicas
            .iter()
            .filter_map(|replica| match &replica.answer {
                Answer::Result(_) => None,
                Answer::Error(value) => Some((replica, value)),
            })
    }

    /// How many replicas gave the answer that most gave.
    pub(super) fn agreeing(&self) -> usize {
        self.results()
            .map(|value| self.results().filter(|other| *other == value).count())
            .max()
            .unwrap_or_default()
    }
}

fn milliseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Microseconds are as fine as it is worth knowing.
    serializer.serialize_f64((time.as_secs_f64() * 1e6).round() / 1e3)
}

#[cfg(test)]
mod tests {
    use super::{Answer, End, Tally};
    use std::time::Duration;
    use weir_identity::Value;

    fn tally(callbacks: &[(&str, &str)]) -> Tally {
        let mut tally = Tally::default();
        for (function, args) in callbacks {
            let args = Value::from_json(args).expect("the test writes JSON");
            let args = args.as_array().expect("arguments are an array");
            tally.callback(
                function,
                args,
                Duration::from_micros(2_100),
                str::to_uppercase,
            );
        }
        tally
    }

    #[test]
    fn the_first_end_counts() {
        let tally = tally(&[
            ("result", r#"["a", 1]"#),
            ("done", "[1]"),
            ("result", r#"["b", 2]"#),
            ("unmet", r#"["late"]"#),
        ]);
        assert_eq!(tally.end, Some(End::Done(Some(Value::from(1)))));
        assert_eq!(tally.replicas.len(), 1);
        assert_eq!(tally.replicas[0].name, "A");
    }

    #[test]
    fn answers_agree_by_value_and_failures_never() {
        let tally = tally(&[
            ("result", r#"["a", {"x": 1, "y": 2}]"#),
            ("error", r#"["b", {"message": "no"}]"#),
            ("error", r#"["d", {"message": "no"}]"#),
            ("result", r#"["c", {"y": 2, "x": 1}]"#),
            ("result", r#"["e", {"y": 2, "x": 1.0}]"#),
        ]);
        assert_eq!(tally.agreeing(), 2);
        assert_eq!(tally.errors().count(), 2);
    }

    #[test]
    fn reports_of_any_form_are_taken() {
        let tally = tally(&[
            ("result", "[]"),
            ("error", "[7]"),
            ("other", "[]"),
            ("unmet", "[]"),
        ]);
        assert_eq!(tally.replicas[0].answer, Answer::Result(Value::Null));
        assert_eq!(tally.replicas[1].peer, "?");
        assert!(matches!(tally.end, Some(End::Unmet(_))));
    }

    #[test]
    fn a_replica_is_written_with_its_time_in_milliseconds() {
        let tally = tally(&[("result", r#"["a", "hi"]"#)]);
        assert_eq!(
            serde_json::to_string(&tally.replicas).expect("it has a JSON form"),
            r#"[{"name":"A","peer":"a","time_ms":2.1,"result":"hi"}]"#
        );
    }
}
