//! Project files, schedules, and what stands against deploying.

use bytes::Bytes;
use expect_test::{Expect, expect};
use weir_identity::Value;
use weir_package::project::Project;
use weir_package::schedule::{Span, Trigger};
use weir_package::{Grants, check};

const HEAD: &str = "[package]\nname = \"p\"\nversion = \"1.0.0\"\n";

fn refused(rest: &str, expected: Expect) {
    let error = Project::parse(&format!("{HEAD}{rest}")).unwrap_err();
    expected.assert_eq(&error.to_string());
}

fn scheduled(rest: &str) -> Result<Trigger, String> {
    let text = format!("{HEAD}[[schedule]]\nname = \"s\"\nrun = \"f\"\n{rest}");
    let project = Project::parse(&text).map_err(|error| error.to_string())?;
    Ok(project.schedules()[0].trigger().clone())
}

#[test]
fn schedules_are_times_events_or_expressions() {
    let span = |start, end| Span { start, end };
    assert_eq!(
        scheduled("every = \"1h 30m\""),
        Ok(Trigger::Every {
            period_s: 5400,
            span: Span::default()
        })
    );
    assert_eq!(
        scheduled(
            "every = \"1s\"\nstart = \"1970-01-01T00:01:00Z\"\nend = \"1970-01-01T00:02:00Z\""
        ),
        Ok(Trigger::Every {
            period_s: 1,
            span: span(Some(60), Some(120))
        })
    );
    assert_eq!(
        scheduled("start = \"1970-01-01T00:00:00Z\""),
        Ok(Trigger::Once(0))
    );
    assert_eq!(
        scheduled("cron = \"0  3 * * *\"\nend = \"1970-01-01T00:02:00Z\""),
        Ok(Trigger::Cron {
            expression: "0 3 * * *".to_owned(),
            span: span(None, Some(120))
        })
    );
    assert!(
        matches!(scheduled("on = [\"block\", \"connect\"]"), Ok(Trigger::On(events)) if events.len() == 2)
    );
}

#[test]
fn schedules_that_mean_nothing_are_refused() {
    let errors = [
        "",
        "every = \"0s\"",
        "every = \"1500ms\"",
        "every = \"200y\"",
        "every = \"often\"",
        "every = \"1s\"\ncron = \"* * * * *\"",
        "every = \"1s\"\nstart = \"tomorrow\"",
        "every = \"1s\"\nstart = \"2026-01-02T00:00:00Z\"\nend = \"2026-01-01T00:00:00Z\"",
        "end = \"2026-01-01T00:00:00Z\"",
        "cron = \"* * *\"",
        "on = []",
        "on = [\"moon\"]",
        "on = [\"block\"]\nstart = \"2026-01-01T00:00:00Z\"",
    ]
    .map(|text| scheduled(text).unwrap_err());
    expect![[r#"
        schedule.s: needs exactly one of `every`, `cron`, `on`, or `start` alone for one run; only `every` and `cron` go with `end`
        schedule.s.every: is not between one second and 100 years
        schedule.s.every: is not a whole number of seconds
        schedule.s.every: is not between one second and 100 years
        schedule.s.every: expected number at 0; write it like `30s` or `2h`
        schedule.s: needs exactly one of `every`, `cron`, `on`, or `start` alone for one run; only `every` and `cron` go with `end`
        schedule.s.start: is not a time since 1970 like `2026-01-31T12:00:00Z`
        schedule.s.end: is not after `start`
        schedule.s: needs exactly one of `every`, `cron`, `on`, or `start` alone for one run; only `every` and `cron` go with `end`
        schedule.s.cron: is not five fields of at most 128 bytes: minute, hour, day of the month, month, day of the week
        schedule.s.on: is not a list of `block`, `connect`, `disconnect`
        schedule.s.on: is not a list of `block`, `connect`, `disconnect`
        schedule.s: needs exactly one of `every`, `cron`, `on`, or `start` alone for one run; only `every` and `cron` go with `end`"#]].assert_eq(&errors.join("\n"));
}

#[test]
fn mistakes_are_named_with_their_place() {
    refused(
        "colour = 1",
        expect![[r#"
        package.toml: TOML parse error at line 4, column 1
          |
        4 | colour = 1
          | ^^^^^^
        unknown field `colour`, expected `name` or `version`"#]],
    );
    refused(
        "[[service]]\nname = \"s\"\n",
        expect![[r#"
        package.toml: TOML parse error at line 4, column 1
          |
        4 | [[service]]
          | ^^^^^^^^^^^
        missing field `component`"#]],
    );
    refused(
        "[aqua]\nfiles = [\"../a.aqua\"]\n",
        expect![[
            r#"aqua.files: a path is relative, has `/` between its parts, no `.` or `..`, `\`, `:` or control character, and at most 200 bytes"#
        ]],
    );
    refused(
        "[[service]]\nname = \"s\"\ncomponent = \"s.wasm\"\n[service.grants]\n\"weir:host/http@0.1\" = {}\n",
        expect!["service.s.grants.weir:host/http@0.1.hosts: is missing"],
    );
    refused(
        "[[service]]\nname = \"s\"\ncomponent = \"s.wasm\"\n[service.grants]\n\"weir:host/http@0.1.0\" = { hosts = [\"*\"] }\n",
        expect![
            "service.s.grants.weir:host/http@0.1.0: names no interface; write PACKAGE/INTERFACE@VERSION with the shortest version, like `weir:host/http@0.1`"
        ],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let project = Project::parse(&format!("{HEAD}[aqua]\nfiles = [\"a.aqua\"]\n")).unwrap();
    assert_eq!(project.files().collect::<Vec<_>>(), ["a.aqua"]);
    let error = project
        .build(|_| Err("no such file".to_owned()))
        .unwrap_err();
    expect!["a.aqua: cannot be read: no such file"].assert_eq(&error.to_string());
}

#[test]
fn what_a_node_does_not_grant_is_said_in_words() {
    let text = format!(
        "{HEAD}[[service]]\nname = \"s\"\ncomponent = \"s.wasm\"\n[service.grants]\n\
         \"weir:host/http@0.1\" = {{ hosts = [\"api.example.org\", \"*.cdn.example.org\"], methods = [\"GET\", \"PUT\"] }}\n\
         \"weir:host/programs@0.1\" = {{ names = [\"convert\"] }}\n\
         \"weir:host/state@0.1\" = {{}}\n\
         [[schedule]]\nname = \"tick\"\nrun = \"f\"\nevery = \"1m\"\n"
    );
    let built = Project::parse(&text)
        .unwrap()
        .build(|_| Ok(Bytes::new()))
        .unwrap();
    let granted = |json: &str| Grants::from_value(&Value::from_json(json).unwrap()).unwrap();
    let refusals = |json: &str| {
        let refusals = check(built.root(), &granted(json));
        refusals
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    expect![[r#"
        service `s` asks for the host `api.example.org` (weir:host/http@0.1), which this node does not grant; its operator can allow it, or deploy elsewhere
        service `s` asks for the method PUT (weir:host/http@0.1), which this node does not grant; its operator can allow it, or deploy elsewhere
        service `s` asks for the program `convert` (weir:host/programs@0.1), which this node does not grant; its operator can allow it, or deploy elsewhere
        service `s` asks for weir:host/state@0.1, which this node does not grant; its operator can allow it, or deploy elsewhere
        the package has schedules (tick), and this version of Weir does not run schedules yet; publish it without them, or call the functions from outside"#]].assert_eq(&refusals(
        r#"{"weir:host/http@0.1": {"hosts": ["*.cdn.example.org"], "methods": ["GET"]}, "weir:host/programs@0.1": {"names": []}}"#,
    ));
    // Only the schedules are left.
    let all = r#"{"weir:host/http@0.1": {"hosts": ["*"]}, "weir:host/programs@0.1": {"names": ["convert", "x"]}, "weir:host/state@0.1": {}}"#;
    assert_eq!(refusals(all).lines().count(), 1);
}
