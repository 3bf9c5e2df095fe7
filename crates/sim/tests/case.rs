//! The case format of `weir sim run`: text in, text out.

use expect_test::{Expect, expect};
use weir_sim::case::{Case, run_case};

/// Runs a case and compares its report, in which bytes and messages are left out.
fn check(case: &str, expected: &Expect) {
    let report = Case::from_json(case).and_then(|case| run_case(&case));
    let text = match report {
        Ok(report) => {
            let mut value = serde_json::to_value(&report).expect("a report is JSON");
            let fields = value.as_object_mut().expect("a report is an object");
            for numbers in ["messages", "bytes", "steps"] {
                assert!(
                    fields.remove(numbers).is_some_and(|number| number.is_u64()),
                    "{numbers}"
                );
            }
            fields
                .iter()
                .map(|(name, value)| match value.as_array() {
                    Some(items) if !items.is_empty() => {
                        let lines: Vec<String> =
                            items.iter().map(|item| format!("  {item}\n")).collect();
                        format!("{name}:\n{}", lines.concat())
                    }
                    _ => format!("{name}: {value}\n"),
                })
                .collect::<String>()
        }
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&text);
}

#[test]
fn calls_are_told_in_order_with_arguments_and_origins() {
    check(
        r#"{"air": "(seq (call \"@a\" (\"srv\" \"one\") [\"@b\" 1.0 %ttl% %timestamp%] x) (seq (call \"@b\" (\"op\" \"array\") [x.$.v %init_peer_id%] y) (call %init_peer_id% (\"srv\" \"two\") [y.$.[0]])))",
            "init": "home", "peers": ["a", "b"], "services": {"srv.one": {"ok": {"v": "to @b and @nobody"}}}, "echo": true}"#,
        &expect![[r#"
            calls:
              {"args":["@b",1.0,60000,1700000000000],"call":"srv.one","peer":"@a","tetraplets":[["@home|||"],["@home|||"],["@home|||"],["@home|||"]]}
              {"args":["to @b and @nobody","@home"],"call":"op.array","peer":"@b","tetraplets":[["@a|srv|one|.$.v"],["@home|||"]]}
              {"args":["to @b and @nobody"],"call":"srv.two","peer":"@home","tetraplets":[["@b|op|array|.$.[0]"]]}
            entries: 4
            errors: []
            pending: []
        "#]],
    );
}

#[test]
fn a_mock_on_one_peer_wins_over_the_same_mock_on_all_and_over_built_ins() {
    check(
        r#"{"air": "(seq (seq (call \"@a\" (\"op\" \"noop\") [] x) (call \"@b\" (\"op\" \"noop\") [] y)) (call \"@init\" (\"op\" \"array\") [x y]))",
            "peers": ["a", "b"], "services": {"op.noop": {"ok": "all"}, "b/op.noop": {"ok": "only b"}}}"#,
        &expect![[r#"
            calls:
              {"args":[],"call":"op.noop","peer":"@a","tetraplets":[]}
              {"args":[],"call":"op.noop","peer":"@b","tetraplets":[]}
              {"args":["all","only b"],"call":"op.array","peer":"@init","tetraplets":[["@a|op|noop|"],["@b|op|noop|"]]}
            entries: 4
            errors: []
            pending: []
        "#]],
    );
}

#[test]
fn a_mocked_error_has_its_code_and_is_caught() {
    check(
        r#"{"air": "(xor (call \"@a\" (\"s\" \"f\") []) (call \"@init\" (\"op\" \"array\") [:error:.$.error_code :error:.$.message]))",
            "peers": ["a"], "services": {"s.f": {"err": "no @a", "code": 42}}}"#,
        &expect![[r#"
            calls:
              {"args":[],"call":"s.f","peer":"@a","tetraplets":[]}
              {"args":[10000,"the service failed with code 42: \"no @a\""],"call":"op.array","peer":"@init","tetraplets":[["@a|s|f|"],["@a|s|f|"]]}
            entries: 3
            errors: []
            pending: []
        "#]],
    );
}

#[test]
fn a_call_that_is_neither_mocked_nor_built_in_fails_without_echo() {
    check(
        r#"{"air": "(call \"@init\" (\"peer\" \"identify\") [])"}"#,
        &expect![[r#"
        calls:
          {"args":[],"call":"peer.identify","peer":"@init","tetraplets":[]}
        entries: 2
        errors:
          {"code":10000,"message":"the service failed with code 1: \"NOT_FOUND: `peer.identify` is neither mocked nor built in\"","peer":"@init"}
        pending: []
    "#]],
    );
}

#[test]
fn built_in_functions_fail_as_on_a_node() {
    check(
        r#"{"air": "(call \"@init\" (\"math\" \"div\") [1 0] x)"}"#,
        &expect![[r#"
        calls:
          {"args":[1,0],"call":"math.div","peer":"@init","tetraplets":[["@init|||"],["@init|||"]]}
        entries: 2
        errors:
          {"code":10000,"message":"the service failed with code 1: \"OVERFLOW: 1 / 0 leaves the range of 64-bit integers\"","peer":"@init"}
        pending: []
    "#]],
    );
}

#[test]
fn what_nobody_answers_is_pending() {
    let stranger = weir_sim::world::World::key_of("stranger").peer_id();
    let case = r#"{"air": "(par (call \"@a\" (\"s\" \"f\") [] x) (par (call \"ID\" (\"s\" \"g\") []) (call \"zed\" (\"s\" \"h\") [])))",
            "peers": ["a"], "echo": true}"#;
    check(
        &case.replace("ID", &stranger.to_string()),
        &expect![[r#"
        calls:
          {"args":[],"call":"s.f","peer":"@a","tetraplets":[]}
        entries: 2
        errors:
          {"code":0,"message":"a step is addressed to \"zed\", which is no peer id, so nobody can answer it","peer":"@init"}
        pending:
          {"call":"s.g","peer":"@init","waits_for":"16Uiu2HAmAxibT2sDL4Y6JmiQFLxT77RBoJMBuciu1kULyG6aYsqD"}
          {"call":"s.h","peer":"@init","waits_for":"zed"}
    "#]],
    );
}

#[test]
fn a_case_that_is_malformed_says_where_and_why() {
    let cases = [
        "{",
        "[]",
        "{}",
        r#"{"air": 1}"#,
        r#"{"air": "(null"}"#,
        r#"{"air": "(seq (null)\n  (call \"@a\" (\"s\" \"f\") [y]))", "peers": ["a"]}"#,
        r#"{"air": "(null)", "init": ""}"#,
        r#"{"air": "(null)", "peers": "a"}"#,
        r#"{"air": "(null)", "peers": ["a", "b c"]}"#,
        r#"{"air": "(null)", "peers": ["a", "a"]}"#,
        r#"{"air": "(null)", "services": []}"#,
        r#"{"air": "(null)", "services": {"srv": {"ok": 1}}}"#,
        r#"{"air": "(null)", "services": {"z/srv.fn": {"ok": 1}}}"#,
        r#"{"air": "(null)", "services": {"srv.fn": {}}}"#,
        r#"{"air": "(null)", "services": {"srv.fn": {"ok": 1, "err": 2}}}"#,
        r#"{"air": "(null)", "services": {"srv.fn": {"err": 1, "code": 0}}}"#,
        r#"{"air": "(null)", "services": {"srv.fn": {"ok": 1, "code": 2}}}"#,
        r#"{"air": "(null)", "services": {"srv.fn": {"ok": 1, "after": 2}}}"#,
        r#"{"air": "(null)", "services": {"srv.fn": {"ok": 1}, "srv.fn": {"ok": 2}}}"#,
        r#"{"air": "(null)", "services": {"srv.fn": {"ok": [{"v": 1, "v": 2}]}}}"#,
        r#"{"air": "(null)", "air": "(never)"}"#,
        r#"{"air": "(null)", "service": {}}"#,
        r#"{"air": "(null)", "echo": 1}"#,
        r#"{"air": "(null)", "seed": -1}"#,
        r#"{"air": "(null)", "ttl_ms": "long"}"#,
        r#"{"air": "(null)", "ttl_ms": 99999999999999}"#,
        r#"{"air": "(null)", "timestamp_ms": 18446744073709551615}"#,
    ];
    let text: String = cases
        .iter()
        .map(
            |case| match Case::from_json(case).and_then(|case| run_case(&case)) {
                Ok(_) => format!("{case}: runs\n"),
                Err(error) => format!("{error}\n"),
            },
        )
        .collect();
    expect![[r#"
        not JSON: not a JSON value: EOF while parsing an object at line 1 column 1
        $: expected an object, got array
        $.air: missing
        $.air: expected a string, got number
        $.air: the script is not valid: 1:6: W0105 expected `)` at the end of `null`, found the end of the text
        $.air: the script is not valid: 2:25: W0110 `y` is not defined
        $.init: `` is not a name: a letter, then letters, digits and `_`
        $.peers: expected an array of names, got string
        $.peers[1]: `b c` is not a name: a letter, then letters, digits and `_`
        $.peers[1]: the name `a` stands twice
        $.services: expected an object, got array
        $.services["srv"]: expected a name like `srv.fn` or `peer/srv.fn`
        $.services["z/srv.fn"]: there is no peer `z`
        $.services["srv.fn"]: expected one of `ok` and `err`
        $.services["srv.fn"]: expected one of `ok` and `err`
        $.services["srv.fn"].code: 0 is not a 32-bit integer other than 0
        $.services["srv.fn"].code: a code belongs to `err`, not to `ok`
        $.services["srv.fn"]: there is no field `after`, known are: ok, err, code
        $.services["srv.fn"]: the field stands twice in its object
        $.services["srv.fn"].ok[0].v: the field stands twice in its object
        $.air: the field stands twice in its object
        $: there is no field `service`, known are: air, init, peers, services, echo, seed, ttl_ms, timestamp_ms
        $.echo: expected a boolean, got number
        $.seed: -1 is not an unsigned integer
        $.ttl_ms: expected a number, got string
        $.ttl_ms: more than a year (31536000000 ms)
        $.timestamp_ms: more than 9223372036854775807 ms
    "#]].assert_eq(&text);
}

#[test]
fn what_is_expected_of_a_case_may_stand_in_it() {
    check(
        r#"{"id": "x", "air": "(null)", "calls": [], "limit": 3}"#,
        &expect![[r#"
        calls: []
        entries: 1
        errors: []
        pending: []
    "#]],
    );
}

#[test]
fn a_seed_gives_the_same_report_again() {
    let case = r#"{"air": "(seq (call \"@init\" (\"op\" \"array\") [\"@a\" \"@b\" \"@c\"] ps) (seq (fold ps p (par (call p (\"s\" \"f\") [] $s) (next p)) (null)) (canon %init_peer_id% $s #s)))",
        "peers": ["a", "b", "c"], "echo": true, "seed": SEED}"#;
    let run = |seed: u64| {
        let case = Case::from_json(&case.replace("SEED", &seed.to_string())).expect("a good case");
        run_case(&case).expect("a case that runs")
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

#[test]
fn a_fold_over_many_elements_fits_into_a_case() {
    let air = r#"(seq (call "@init" ("s" "many") [] xs) (fold xs x (seq (call "@a" ("op" "noop") [x]) (next x))))"#;
    let mut case = Case::new(air);
    case.peers = vec!["a".into()];
    let many = weir_identity::Value::from_json(&format!("{:?}", (0..500).collect::<Vec<_>>()))
        .expect("an array");
    case.services
        .insert("s.many".into(), weir_sim::case::Mock::Ok(many));
    let report = run_case(&case).expect("a case that runs");
    assert_eq!(report.calls.len(), 501);
    assert!(report.pending.is_empty() && report.errors.is_empty());
}

/// More built-in calls than a peer makes in one turn go on by its timer, which alone is no sign that anything is under way.
#[test]
fn a_case_ends_only_when_no_peer_has_work_left() {
    let air = r#"(seq
        (seq (call "@init" ("s" "many") [] xs) (fold xs x (seq (call "@init" ("op" "identity") [x]) (next x))))
        (seq (call "@init" ("s" "few") [] ys) (fold ys y (seq (call "@a" ("s" "f") [y]) (next y)))))"#;
    let natives = 5_000;
    assert!(natives > weir_peer::Limits::default().natives_per_turn);
    let mut case = Case::new(air);
    case.peers = vec!["a".into()];
    case.echo = true;
    let numbers = |count: usize| {
        let items = (0..count as u64).map(weir_identity::Value::from);
        weir_sim::case::Mock::Ok(items.collect())
    };
    case.services.insert("s.many".into(), numbers(natives));
    case.services.insert("s.few".into(), numbers(60));
    let report = run_case(&case).expect("a case that runs");
    assert_eq!(report.calls.len(), natives + 60 + 2);
    assert_eq!(report.pending, []);
}
