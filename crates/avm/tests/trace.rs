//! A log as a story.

mod support;

use expect_test::expect;
use support::{Case, Net};
use weir_avm::{Export, TracedAnswer, What, trace};
use weir_identity::Value;

/// Visits of the initiator's log, each under its cause.
fn story(air: &str) -> String {
    let case = serde_json::json!({ "air": air, "peers": ["a", "b"], "echo": false, "services": {
        "s.f": {"ok": 7}, "b/s.f": {"err": "no", "code": 3},
    }});
    let mut net = Net::new(serde_json::from_value::<Case>(case).expect("a case"), 0);
    net.begin();
    net.run();
    let initiator = net.start.initiator;
    let peer = net.peers.get_mut(&initiator).expect("it began");
    let log = peer.avm.as_mut().expect("it began").signed_log();
    let story = trace(&Export::of(log)).expect("an honest log");
    let depth = |mut visit: usize| {
        let mut depth = 0;
        while let Some(cause) = story.visits[visit].cause {
            (visit, depth) = (cause, depth + 1);
        }
        depth
    };
    let mut lines = String::new();
    for (index, visit) in story.visits.iter().enumerate() {
        for deed in &visit.deeds {
            let what = match &deed.what {
                What::Call {
                    service,
                    function,
                    args,
                    answer,
                    ..
                } => {
                    let args = args.as_ref().expect("the step is reached");
                    let args: Vec<String> = args.iter().map(Value::to_json).collect();
                    let answer = match answer {
                        TracedAnswer::Value(value) => value.to_json(),
                        TracedAnswer::Unused => "unused".into(),
                        TracedAnswer::Failed { code, message } => {
                            format!("failed {code} {}", message.to_json())
                        }
                    };
                    format!("{service}.{function} [{}] -> {answer}", args.join(" "))
                }
                What::Canon {
                    instruction,
                    elements,
                } => {
                    let instruction = instruction.as_ref().expect("the step is reached");
                    format!("{instruction} -> {elements} elements")
                }
                other => format!("{other:?}"),
            };
            let indent = "  ".repeat(depth(index));
            let peer = net.say(&visit.peer.to_string());
            lines += &format!("{indent}{peer} {}: {}\n", deed.index, net.say(&what));
        }
    }
    assert_eq!(story.heads.len(), 3);
    assert_eq!(story.waiting, []);
    lines
}

#[test]
fn a_log_tells_who_did_what_because_of_what() {
    let air = r#"(seq (ap 1 one) (par
        (seq (call "@a" ("s" "f") [one] x) (call %init_peer_id% ("s" "f") [x "a"] $all))
        (xor (call "@b" ("s" "f") [one] y)
             (seq (call %init_peer_id% ("s" "f") ["b"] $all) (canon %init_peer_id% $all #all)))))"#;
    expect![[r#"
        @init 0: Start
          @b 0: s.f [1] -> failed 3 "no"
          @a 0: s.f [1] -> 7
            @init 1: s.f [7 "a"] -> 7
            @init 2: s.f ["b"] -> 7
            @init 3: canon %init_peer_id% $all #all -> 2 elements
    "#]]
    .assert_eq(&story(air));
}
