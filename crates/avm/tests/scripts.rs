//! Small scripts and the calls that they make, in the order in which they are
//! made when messages arrive in the order of sending.

mod support;

use std::sync::Arc;

use expect_test::{Expect, expect};
use support::{Case, Net};
use weir_avm::log::StartLimits;

/// Runs a script on `init`, `a`, `b`, `c`; services are given as JSON. What was
/// called is one line each; then what stayed stuck, failed or was refused.
fn run(air: &str, services: &str) -> String {
    let case = serde_json::json!({ "air": air, "peers": ["a", "b", "c"], "echo": true });
    let mut case: Case = serde_json::from_value(case).expect("a case");
    case.services = serde_json::from_str(services).expect("services are JSON");
    let mut net = Net::new(case, 0);
    net.begin();
    net.run();
    let mut lines: Vec<String> = net
        .calls
        .iter()
        .map(|c| format!("{} {} {}", c.peer, c.call, c.args))
        .collect();
    lines.extend(
        net.errors
            .iter()
            .map(|(peer, code, _)| format!("error at {peer}: {code}")),
    );
    lines.extend(
        net.stuck
            .iter()
            .map(|(peer, text)| format!("stuck at {peer}: {}", net.say(text))),
    );
    lines.extend(
        net.offences
            .iter()
            .map(|(peer, text)| format!("offence at {peer}: {}", net.say(text))),
    );
    lines.join("\n") + "\n"
}

fn check(air: &str, services: &str, expected: Expect) {
    expected.assert_eq(&run(air, services));
}

#[test]
fn a_call_on_another_peer_comes_back() {
    check(
        r#"(seq (call "@a" ("s" "f") [1] x) (call %init_peer_id% ("s" "done") [x.$.at]))"#,
        "{}",
        expect![[r#"
            @a s.f [1]
            @init s.done ["a"]
        "#]],
    );
}

#[test]
fn a_step_reached_by_the_union_of_two_peers_is_made_on_a_third() {
    check(
        r#"(seq (par (seq (call "@a" ("s" "x") [] x) (canon "@c" $h1 #h1)) (seq (call "@b" ("s" "y") [] y) (canon "@c" $h2 #h2)))
            (match x y (call "@c" ("s" "done") [x y])))"#,
        r#"{"s.x": {"ok": 1}, "s.y": {"ok": 1}}"#,
        expect![[r#"
            @a s.x []
            @b s.y []
            @c s.done [1,1]
        "#]],
    );
}

#[test]
fn a_failed_call_is_caught_with_both_error_values() {
    check(
        r#"(xor (call %init_peer_id% ("s" "a") [] x) (call %init_peer_id% ("h" "e") [%last_error%.$.error_code :error:.$.error_code]))"#,
        r#"{"s.a": {"err": "no", "code": 7}}"#,
        expect![[r#"
            @init s.a []
            @init h.e [10000,10000]
        "#]],
    );
}

#[test]
fn match_leaves_the_last_error_alone() {
    check(
        r#"(xor (match 1 2 (null)) (call %init_peer_id% ("h" "e") [%last_error%.$.error_code :error:.$.error_code]))"#,
        "{}",
        expect![[r#"
            @init h.e [0,10001]
        "#]],
    );
}

#[test]
fn an_undefined_variable_is_waited_for_not_failed() {
    check(
        r#"(par (seq (call "@b" ("s" "slow") [] x) (call %init_peer_id% ("s" "home") [])) (seq (call %init_peer_id% ("s" "fast") [] y) (xor (call %init_peer_id% ("s" "use") [x y]) (call %init_peer_id% ("s" "no") []))))"#,
        r#"{"s.slow": {"ok": 1}, "s.fast": {"ok": 2}}"#,
        expect![[r#"
            @init s.fast []
            @b s.slow []
            @init s.home []
            @init s.use [1,2]
        "#]],
    );
}

#[test]
fn canons_see_the_appends_before_them() {
    check(
        r##"(seq (ap 1 $s) (seq (canon %init_peer_id% $s #c) (seq (ap 2 $s) (seq (canon %init_peer_id% $s #d) (call %init_peer_id% ("s" "f") [#c #d])))))"##,
        "{}",
        expect![[r#"
            @init s.f [[1],[1,2]]
        "#]],
    );
}

#[test]
fn a_map_becomes_an_object_and_a_canon_of_arrays() {
    check(
        r##"(seq (ap ("k" 1) %m) (seq (ap ("k" 2) %m) (seq (canon %init_peer_id% %m o) (seq (canon %init_peer_id% %m #%c) (call %init_peer_id% ("s" "f") [o #%c #%c.$.k.[1] #%c.length])))))"##,
        "{}",
        expect![[r#"
            @init s.f [{"k":1},{"k":[1,2]},2,2]
        "#]],
    );
}

#[test]
fn the_after_part_runs_from_the_last_to_the_first() {
    check(
        r#"(seq (call %init_peer_id% ("s" "arr") [] arr) (fold arr i (seq (call %init_peer_id% ("s" "a") [i] x) (seq (next i) (call %init_peer_id% ("s" "b") [x.$.args])))))"#,
        r#"{"s.arr": {"ok": [1, 2]}}"#,
        expect![[r#"
            @init s.arr []
            @init s.a [1]
            @init s.a [2]
            @init s.b [[2]]
            @init s.b [[1]]
        "#]],
    );
}

#[test]
fn new_hides_a_value_and_gives_it_back() {
    check(
        r#"(seq (ap 1 x) (seq (new x (seq (ap 2 x) (call %init_peer_id% ("s" "f") [x]))) (call %init_peer_id% ("s" "g") [x])))"#,
        "{}",
        expect![[r#"
            @init s.f [2]
            @init s.g [1]
        "#]],
    );
}

#[test]
fn a_recursive_stream_visits_what_it_appends() {
    check(
        r#"(seq (ap 0 $s) (fold $s i (seq (call %init_peer_id% ("math" "add") [i 1] v) (xor (match v 4 (null)) (seq (ap v $s) (next i))))))"#,
        "{}",
        expect![[r#"
            @init math.add [0,1]
            @init math.add [1,1]
            @init math.add [2,1]
            @init math.add [3,1]
        "#]],
    );
}

#[test]
fn a_gate_opens_with_the_element_that_makes_it_full() {
    check(
        r##"(seq (call %init_peer_id% ("s" "ps") [] ps) (seq (par (fold ps p (par (call p ("s" "v") [p] $s) (next p)) (never)) (null))
          (seq (new $t (seq (fold $s f (seq (seq (ap f $t) (canon %init_peer_id% $t #it)) (xor (match #it.length 2 (null)) (next f))) (never)) (canon %init_peer_id% $t #r)))
           (call %init_peer_id% ("s" "one") [#r.length]))))"##,
        r#"{"s.ps": {"ok": ["@a", "@b", "@c"]}, "s.v": {"ok": 5}}"#,
        expect![[r#"
            @init s.ps []
            @a s.v ["@a"]
            @b s.v ["@b"]
            @c s.v ["@c"]
            @init s.one [2]
        "#]],
    );
}

#[test]
fn members_of_one_batch_run_one_after_the_other() {
    check(
        r#"(seq (ap 1 $s) (seq (ap 2 $s) (fold $s i (seq (call "@a" ("s" "f") [i] x) (seq (call %init_peer_id% ("s" "g") [i]) (next i))) (null))))"#,
        "{}",
        expect![[r#"
            @a s.f [1]
            @init s.g [1]
            @a s.f [2]
            @init s.g [2]
        "#]],
    );
}

#[test]
fn a_bad_lens_is_noticed_before_the_hop() {
    check(
        r#"(seq (call %init_peer_id% ("s" "f") [] x) (xor (call "@b" ("s" "g") [x.$.missing] y) (call %init_peer_id% ("s" "h") [:error:.$.error_code])))"#,
        r#"{"s.f": {"ok": {}}}"#,
        expect![[r#"
            @init s.f []
            @init s.h [10007]
        "#]],
    );
}

#[test]
fn fail_raises_what_it_is_given() {
    check(
        r#"(xor (xor (fail 7 "m") (fail :error:)) (call %init_peer_id% ("s" "h") [%last_error%.$.error_code :error:.$.error_code %last_error%.$.message]))"#,
        "{}",
        expect![[r#"
            @init s.h [7,10006,"m"]
        "#]],
    );
}

/// What is stuck first when a script of one peer runs under these limits.
fn stuck_under(limits: StartLimits, air: &str) -> String {
    let case = serde_json::json!({ "air": air, "services": {
        "s.arr": {"ok": (0..1_000).collect::<Vec<u32>>()},
    }});
    let mut net = Net::new(serde_json::from_value(case).expect("a case"), 0);
    Arc::make_mut(&mut net.start).limits = limits;
    net.begin();
    net.run();
    assert_eq!(net.stuck.len(), 1, "{:?}", net.stuck);
    net.stuck[0].1.clone()
}

#[test]
fn an_endless_loop_ends_at_the_limit_of_the_stream() {
    let limits = StartLimits {
        elements: 1_000,
        ..StartLimits::default()
    };
    let air = r#"(seq (ap 1 $s) (fold $s i (seq (ap i $s) (next i))))"#;
    assert_eq!(
        stuck_under(limits, air),
        "a stream has reached the particle's limit of 1000 elements"
    );
}

#[test]
fn folds_end_at_the_limits_of_activations_cells_and_depth() {
    let fold = |body: &str| {
        format!(r#"(seq (call %init_peer_id% ("s" "arr") [] arr) (fold arr i {body}))"#)
    };
    let limits = StartLimits {
        activations: 500,
        ..StartLimits::default()
    };
    assert_eq!(
        stuck_under(limits, &fold("(seq (null) (next i))")),
        "the particle's limit of 500 activations is reached"
    );
    let names: String = (0..20).fold("(null)".to_owned(), |rest, number| {
        format!("(seq (ap 1 x{number}) {rest})")
    });
    assert_eq!(
        stuck_under(
            limits,
            &fold(&format!(
                "(seq (xor (mismatch i -1 (null)) {names}) (next i))"
            ))
        ),
        "the particle's limit of 500 cells is reached"
    );
    let limits = StartLimits {
        depth: 100,
        ..StartLimits::default()
    };
    assert_eq!(
        stuck_under(limits, &fold("(seq (null) (next i))")),
        "the particle's limit of 100 elements entered one inside the other is reached"
    );
}

#[test]
fn a_fold_over_many_elements_does_not_overflow() {
    let elements: Vec<u32> = (0..100_000).collect();
    let services = serde_json::json!({ "s.arr": { "ok": elements } }).to_string();
    let seen = run(
        r#"(seq (call %init_peer_id% ("s" "arr") [] arr) (seq (fold arr i (seq (ap i x) (next i))) (call %init_peer_id% ("s" "done") [])))"#,
        &services,
    );
    assert_eq!(seen, "@init s.arr []\n@init s.done []\n");
}

#[test]
fn results_that_trickle_in_share_messages() {
    let elements: Vec<u32> = (0..500).collect();
    let air = r##"(seq (call %init_peer_id% ("s" "arr") [] arr)
        (seq (par (fold arr i (par (call "@a" ("s" "f") [i] $r) (next i)) (never)) (null))
         (seq (new $t (seq (fold $r f (seq (seq (ap f $t) (canon %init_peer_id% $t #it)) (xor (match #it.length 500 (null)) (next f))) (never)) (canon %init_peer_id% $t #all)))
          (call %init_peer_id% ("s" "done") [#all.length]))))"##;
    let case = serde_json::json!({ "air": air, "peers": ["a"], "services": {
        "s.arr": {"ok": elements}, "s.f": {"ok": 1}, "s.done": {"ok": null},
    }});
    let mut net = Net::new(serde_json::from_value(case).expect("a case"), 0);
    net.begin();
    net.run();
    let last = net.calls.last().expect("calls were made");
    assert_eq!(
        (last.call.as_str(), last.args.as_str()),
        ("s.done", "[500]")
    );
    assert!(
        net.bytes < 80_000,
        "{} messages of {} bytes",
        net.messages,
        net.bytes
    );
}

#[test]
fn a_call_that_misses_many_arguments_is_woken_once_for_each() {
    let count = 40;
    let arms: String = (0..count).fold("(null)".to_owned(), |rest, n| {
        format!(r#"(par (call "@a" ("s" "f") [{n}] x{n}) {rest})"#)
    });
    let names: Vec<String> = (0..count).map(|n| format!("x{n}")).collect();
    let air = format!(
        r#"(seq {arms} (call "@b" ("s" "use") [{}]))"#,
        names.join(" ")
    );
    let seen = run(&air, r#"{"s.f": {"ok": 1}}"#);
    let ones = vec!["1"; count].join(",");
    assert_eq!(seen.lines().last(), Some(&*format!("@b s.use [{ones}]")));
    assert_eq!(seen.lines().count(), count + 1);
}

#[test]
fn a_value_that_doubles_ends_at_the_limit_of_its_bytes() {
    let levels = 60;
    let script: String = (0..levels).rev().fold("(null)".to_owned(), |rest, n| {
        let next = n + 1;
        format!(
            "(seq (ap #c{n} $s{next}) (seq (ap #c{n} $s{next}) (seq (canon %init_peer_id% $s{next} #c{next}) {rest})))"
        )
    });
    let air = format!("(seq (ap 1 $s0) (seq (canon %init_peer_id% $s0 #c0) {script}))");
    let stuck = stuck_under(StartLimits::default(), &air);
    assert_eq!(
        stuck,
        "`ap #c25 $s26`: a value would have 100663295 bytes, the particle's limit is 67108864"
    );
}

#[test]
fn pairs_that_nest_in_a_recursive_map_end_at_the_limit_of_depth() {
    let air = r#"(seq (ap ("k" 1) %m) (fold %m i (seq (ap ("k" i) %m) (next i))))"#;
    assert_eq!(
        stuck_under(StartLimits::default(), air),
        "`ap (\"k\" i) %m`: a value would be nested deeper than 100"
    );
}

#[test]
fn a_long_value_is_cut_in_the_text_of_an_error() {
    let long = "x".repeat(100_000);
    let services = serde_json::json!({ "s.f": {"ok": {"k": long}} }).to_string();
    let seen = run(
        r#"(seq (call %init_peer_id% ("s" "f") [] x)
            (xor (ap x.$.missing y) (call %init_peer_id% ("s" "h") [:error:.$.message])))"#,
        &services,
    );
    let text = format!(
        r#"value {{\"k\":\"{}… does not contain the field missing"#,
        &long[..250]
    );
    assert_eq!(seen, format!("@init s.f []\n@init s.h [\"{text}\"]\n"));
}

#[test]
fn a_name_that_is_set_and_read_many_times_costs_no_square() {
    let count = 20_000;
    let arms = "(par (ap x x) ".repeat(count);
    let air = format!("(seq (ap 1 x) {arms}(null){})", ")".repeat(count));
    let script = weir_air::parse(&air, &weir_air::Limits::default()).expect("the script parses");
    let program = weir_avm::Program::new(&Arc::new(script));
    assert_eq!(program.script().nodes().len(), 2 * count + 3);
}

#[test]
fn an_error_inside_a_stream_fold_is_the_last_one_after_it() {
    check(
        r#"(seq (ap 1 $s) (seq (fold $s i (par (fail 7 "m") (null))) (call %init_peer_id% ("s" "f") [%last_error%.$.error_code])))"#,
        "{}",
        expect![[r#"
            @init s.f [7]
        "#]],
    );
}

#[test]
fn an_error_of_what_happened_to_arrive_is_not_the_last_one_after_a_stream_fold() {
    check(
        r#"(seq (call "@a" ("s" "x") [] $s) (seq (fold $s i (par (fail 7 "m") (null))) (call %init_peer_id% ("s" "f") [%last_error%.$.error_code])))"#,
        "{}",
        expect![[r#"
            @a s.x []
            @init s.f [0]
        "#]],
    );
}

#[test]
fn a_stream_fold_inside_a_fold_cannot_start_its_last_instruction() {
    let air = r#"(seq (ap 1 $s) (fold arr i (fold $s j (seq (next i) (null))) (call %init_peer_id% ("s" "last") [])))"#;
    let air = format!(r#"(seq (call %init_peer_id% ("s" "arr") [] arr) {air})"#);
    let stuck = stuck_under(StartLimits::default(), &air);
    assert_eq!(
        stuck,
        "`next` inside a fold over a stream came to the last instruction of an outer fold, which each batch would start"
    );
}
