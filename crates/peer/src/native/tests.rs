//! Host functions as text: a call on the left, what it gives on the right.

use std::collections::BTreeSet;
use std::sync::Arc;

use expect_test::{Expect, expect};

use super::*;
use weir_identity::{Cid, Hash};

use crate::deals::{Local, Member, Subnet, WorkerId};
use crate::services::Service;
use crate::testing::peer_id;

struct NoNetwork;

impl NetworkView for NoNetwork {
    fn is_connected(&self, peer: &PeerId) -> bool {
        *peer == peer_id(2)
    }

    fn contact(&self, peer: &PeerId) -> Option<Contact> {
        let addresses = vec![Arc::from("mem/2")];
        self.is_connected(peer).then_some(Contact {
            peer: *peer,
            addresses,
        })
    }
}

fn table() -> ServiceTable {
    let mut services = ServiceTable::default();
    services.apply(ServiceChange::Register(Service {
        id: Arc::from("s1"),
        kind: Arc::from("mock"),
        blueprint: Arc::from("b1"),
        interface: Value::from_json(r#"{"function_signatures":[]}"#).unwrap(),
        owner: peer_id(1),
        aliases: [Arc::from("greeter")].into(),
        idempotent: false,
        exclusive: BTreeSet::new(),
        terms: None,
    }));
    services
}

/// Deal 7 has a worker on peer 1 and one on peer 2 that is not active yet.
fn deals() -> DealTable {
    let member = |id: u8, host, worker| Member {
        id: WorkerId(Hash::new([id; 32])),
        host: peer_id(host),
        worker,
        units: vec![Arc::from("0x00")],
    };
    let subnet = Subnet {
        deal: 7,
        block: 120,
        changed_block: 100,
        package: Cid::of_raw(b"package"),
        members: vec![member(0xa1, 1, Some(peer_id(2))), member(0xa2, 2, None)],
    };
    let local = Local {
        peer: peer_id(2),
        running: true,
    };
    DealTable {
        epoch: 6,
        subnets: [(7, subnet)].into(),
        here: [(7, local)].into(),
    }
}

fn run(line: &str, initiator: PeerId) -> String {
    let line = line.replace("@2", &format!("\"{}\"", peer_id(2)));
    let (name, args) = line.split_once(' ').unwrap_or((&line, ""));
    let (service_name, function) = name.split_once('.').expect("service.function");
    let Value::Array(args) = Value::from_json(&format!("[{args}]")).expect("arguments are JSON")
    else {
        unreachable!("brackets make an array")
    };
    let limits = Limits {
        result_bytes: 1000,
        ..Limits::default()
    };
    let services = table();
    let view = View {
        now: Timestamp(1_700_000_000_123),
        step: [0xab; 32],
        host: peer_id(1),
        worker: peer_id(1),
        initiator,
        manager: Some(peer_id(9)),
        version: "1.2.3",
        addresses: &[Arc::from("mem/1")],
        relay: true,
        limits: &limits,
        services: &services,
        deals: &deals(),
        network: &NoNetwork,
    };
    let native = service(service_name).expect("a host service");
    let answer = match call(native, function, &args, &view) {
        Ok(Answer::Value(value)) => value.to_json(),
        Ok(Answer::Timeout { after_ms, value }) => {
            format!("after {after_ms} ms {}", value.to_json())
        }
        Ok(Answer::Connect(contact)) => format!("connect to {:?}", contact.addresses),
        Ok(Answer::Create(service)) => format!(
            "create {} of {} for {}",
            service.id,
            service.blueprint,
            if service.owner == initiator {
                "the initiator"
            } else {
                "another"
            }
        ),
        Ok(Answer::Change(change)) => format!("{change:?}"),
        Ok(Answer::Driver) => "the driver answers".to_owned(),
        Err(failure) => failure.to_string(),
    };
    answer
        .replace(&peer_id(1).to_string(), "@1")
        .replace(&peer_id(2).to_string(), "@2")
}

fn check(lines: &str, expected: &Expect) {
    check_as(peer_id(1), lines, expected);
}

fn check_as(initiator: PeerId, lines: &str, expected: &Expect) {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let answers: Vec<String> = lines
        .map(|line| format!("{line} -> {}\n", run(line, initiator)))
        .collect();
    expected.assert_eq(&answers.concat());
}

#[test]
fn services_are_found_by_name() {
    for native in NATIVES {
        assert!(service(native.name()).is_some_and(|found| std::ptr::addr_eq(found, native)));
    }
    assert!(service("nothing").is_none());
}

#[test]
fn proof() {
    check(
        r#"
        proof.material "0x07", 0
        proof.component "bafk", 262144
        proof.component "bafk", -1
        proof.material
        proof.anything "0x07", 0
        "#,
        &expect![[r#"
            proof.material "0x07", 0 -> the driver answers
            proof.component "bafk", 262144 -> the driver answers
            proof.component "bafk", -1 -> ARG_TYPE: argument 2 `offset`: expected an unsigned integer, got -1
            proof.material -> ARG_COUNT: expected 2, got 0
            proof.anything "0x07", 0 -> NOT_FOUND: host service `proof` has no function `anything`
        "#]],
    );
}

#[test]
fn blocks() {
    check(
        r#"
        blocks.get "bafk"
        blocks.has "bafk"
        blocks.wants
        blocks.put "bafk", "AAAA"
        blocks.put "bafk"
        blocks.put "bafk", [0, 0]
        "#,
        &expect![[r#"
            blocks.get "bafk" -> the driver answers
            blocks.has "bafk" -> the driver answers
            blocks.wants -> the driver answers
            blocks.put "bafk", "AAAA" -> the driver answers
            blocks.put "bafk" -> ARG_COUNT: expected 2, got 1
            blocks.put "bafk", [0, 0] -> ARG_TYPE: argument 2 `bytes`: expected a string, got an array
        "#]],
    );
}

#[test]
fn op() {
    check(
        r#"
        op.noop 1, 2
        op.array 1, "b", [3]
        op.array
        op.array_length [1,2,3]
        op.array_length [1], [2]
        op.array_length "abc"
        op.concat [1], [], [2,3]
        op.concat [1], 2
        op.concat_strings "a", "b", "c"
        op.concat_strings "a", 1
        op.string_to_b58 "hello"
        op.string_from_b58 "Cn8eVZg"
        op.string_from_b58 "0OIl"
        op.bytes_to_b58 [104, 101]
        op.bytes_to_b58 [256]
        op.bytes_from_b58 "8wr"
        op.sha256_string "abc"
        op.sha256_string "abc", true
        op.sha256_string "abc", [], true
        op.sha256_string "abc", [true, false]
        op.identity
        op.identity {"a": 1}
        op.identity 1, 2
        op.unknown
        "#,
        &expect![[r#"
            op.noop 1, 2 -> ""
            op.array 1, "b", [3] -> [1,"b",[3]]
            op.array -> []
            op.array_length [1,2,3] -> 3
            op.array_length [1], [2] -> ARG_COUNT: expected 1, got 2
            op.array_length "abc" -> ARG_TYPE: argument 1 `array`: expected an array, got a string
            op.concat [1], [], [2,3] -> [1,2,3]
            op.concat [1], 2 -> ARG_TYPE: argument 2 `arrays`: expected an array, got 2
            op.concat_strings "a", "b", "c" -> "abc"
            op.concat_strings "a", 1 -> ARG_TYPE: argument 2 `strings`: expected a string, got 1
            op.string_to_b58 "hello" -> "Cn8eVZg"
            op.string_from_b58 "Cn8eVZg" -> "hello"
            op.string_from_b58 "0OIl" -> ARG_TYPE: not base58: provided string contained invalid character '0' at byte 0
            op.bytes_to_b58 [104, 101] -> "8wn"
            op.bytes_to_b58 [256] -> ARG_TYPE: argument 1 `bytes`: expected an array of bytes, got 256 at [0]
            op.bytes_from_b58 "8wr" -> [104,105]
            op.sha256_string "abc" -> "QmatYkNGZnELf8cAGdyJpUca2PyY4szai3RHyyWofNY1pY"
            op.sha256_string "abc", true -> "DYu3G8aGTMBW1WrTw76zxQJQU4DHLw9MLyy7peG4LKkY"
            op.sha256_string "abc", [], true -> [18,32,186,120,22,191,143,1,207,234,65,65,64,222,93,174,34,35,176,3,97,163,150,23,122,156,180,16,255,97,242,0,21,173]
            op.sha256_string "abc", [true, false] -> ARG_OPTION: argument 2 `digest_only` is optional: at most one value is allowed, got 2
            op.identity -> ""
            op.identity {"a": 1} -> {"a":1}
            op.identity 1, 2 -> ARG_COUNT: expected at most 1, got 2
            op.unknown -> NOT_FOUND: host service `op` has no function `unknown`
        "#]],
    );
}

#[test]
fn math_and_cmp() {
    check(
        r#"
        math.add 1, 2
        math.add 1
        math.add 1, 2, 3
        math.add 9223372036854775807, 1
        math.sub -9223372036854775808, 1
        math.mul 3, -4
        math.div 7, 2
        math.div 7, 0
        math.div -9223372036854775808, -1
        math.rem 7, 4
        math.rem 7, 0
        math.rem 7, 1.5
        math.fmul 10, 0.66
        math.fmul 1e300, 1e300
        math.pow 2, 10
        math.pow 2, 64
        math.pow 2, -1
        math.pow 2, 4294967296
        math.log 2, 1024
        math.log 1, 10
        math.log -2, 10
        math.log 10, 0
        cmp.gt 2, 1
        cmp.gte 1, 1
        cmp.lt 2, 1
        cmp.lte 18446744073709551615, 1
        cmp.cmp 1, 2
        cmp.cmp "1", 2
        "#,
        &expect![[r#"
            math.add 1, 2 -> 3
            math.add 1 -> ARG_COUNT: expected 2, got 1
            math.add 1, 2, 3 -> ARG_COUNT: expected 2, got 3
            math.add 9223372036854775807, 1 -> OVERFLOW: 9223372036854775807 + 1 leaves the range of 64-bit integers
            math.sub -9223372036854775808, 1 -> OVERFLOW: -9223372036854775808 - 1 leaves the range of 64-bit integers
            math.mul 3, -4 -> -12
            math.div 7, 2 -> 3
            math.div 7, 0 -> OVERFLOW: 7 / 0 leaves the range of 64-bit integers
            math.div -9223372036854775808, -1 -> OVERFLOW: -9223372036854775808 / -1 leaves the range of 64-bit integers
            math.rem 7, 4 -> 3
            math.rem 7, 0 -> OVERFLOW: 7 % 0 leaves the range of 64-bit integers
            math.rem 7, 1.5 -> ARG_TYPE: argument 2 `y`: expected a signed 64-bit integer, got 1.5
            math.fmul 10, 0.66 -> 6
            math.fmul 1e300, 1e300 -> 9223372036854775807
            math.pow 2, 10 -> 1024
            math.pow 2, 64 -> OVERFLOW: 2^64 leaves the range of 64-bit integers
            math.pow 2, -1 -> ARG_TYPE: argument 2 `exponent`: expected an unsigned integer, got -1
            math.pow 2, 4294967296 -> ARG_TYPE: argument 2 `exponent`: expected an unsigned 32-bit integer, got 4294967296
            math.log 2, 1024 -> 10
            math.log 1, 10 -> OVERFLOW: the logarithm of 10 to the base 1 leaves the range of 64-bit integers
            math.log -2, 10 -> OVERFLOW: the logarithm of 10 to the base -2 leaves the range of 64-bit integers
            math.log 10, 0 -> OVERFLOW: the logarithm of 0 to the base 10 leaves the range of 64-bit integers
            cmp.gt 2, 1 -> true
            cmp.gte 1, 1 -> true
            cmp.lt 2, 1 -> false
            cmp.lte 18446744073709551615, 1 -> ARG_TYPE: argument 1 `x`: expected a signed 64-bit integer, got 18446744073709551615
            cmp.cmp 1, 2 -> -1
            cmp.cmp "1", 2 -> ARG_TYPE: argument 1 `x`: expected a signed 64-bit integer, got a string
        "#]],
    );
}

#[test]
fn array() {
    check(
        r#"
        array.length [1, [2]]
        array.sum [1, 2, 3]
        array.sum []
        array.sum [9223372036854775807, 1]
        array.sum [1, "2"]
        array.dedup ["b", "a", "b"]
        array.intersect ["c", "a", "b"], ["b", "c", "d"]
        array.diff ["c", "a", "b"], ["b"]
        array.sdiff ["a", "b"], ["b", "c"]
        array.slice [1, 2, 3], 1, 2
        array.slice [], 5, 1
        array.slice [1], 0, 2
        array.slice [1, 2], 2, 1
        array.slice [1], -1, 1
        array.slice [1], 0
        "#,
        &expect![[r#"
            array.length [1, [2]] -> 2
            array.sum [1, 2, 3] -> 6
            array.sum [] -> 0
            array.sum [9223372036854775807, 1] -> OVERFLOW: the sum leaves the range of 64-bit integers
            array.sum [1, "2"] -> ARG_TYPE: argument 1 `numbers`: expected an array of signed 64-bit integers, got a string at [1]
            array.dedup ["b", "a", "b"] -> ["b","a"]
            array.intersect ["c", "a", "b"], ["b", "c", "d"] -> ["b","c"]
            array.diff ["c", "a", "b"], ["b"] -> ["a","c"]
            array.sdiff ["a", "b"], ["b", "c"] -> ["a","c"]
            array.slice [1, 2, 3], 1, 2 -> [2]
            array.slice [], 5, 1 -> []
            array.slice [1], 0, 2 -> ARG_TYPE: 0 to 2 is outside of the array of length 1
            array.slice [1, 2], 2, 1 -> ARG_TYPE: 2 to 1 is outside of the array of length 2
            array.slice [1], -1, 1 -> ARG_TYPE: argument 2 `start`: expected an unsigned integer, got -1
            array.slice [1], 0 -> ARG_COUNT: expected 3, got 2
        "#]],
    );
}

#[test]
fn json_and_debug() {
    check(
        r#"
        json.obj "b", 1, "a", [2]
        json.obj "a"
        json.obj 1, 2
        json.obj_pairs [["a", 1], ["b", 2]]
        json.obj_pairs [["a"]]
        json.put {"a": 1}, "b", 2
        json.puts {"a": 1}, "a", 2, "b", 3
        json.puts 1, "a", 2
        json.puts_pairs {"a": 1}, [["c", null]]
        json.parse "{\"x\":[1,2.5]}"
        json.parse "{"
        json.stringify {"b": 1, "a": 1.0}
        debug.stringify
        debug.stringify "a"
        debug.stringify 1, "a"
        "#,
        &expect![[r#"
            json.obj "b", 1, "a", [2] -> {"a":[2],"b":1}
            json.obj "a" -> ARG_COUNT: expected pairs of keys and values, got 1 of them
            json.obj 1, 2 -> ARG_TYPE: argument 1 is a key and must be a string
            json.obj_pairs [["a", 1], ["b", 2]] -> {"a":1,"b":2}
            json.obj_pairs [["a"]] -> ARG_TYPE: argument 1 `pairs`: expected an array of [string, value] pairs, got an array at [0]
            json.put {"a": 1}, "b", 2 -> {"a":1,"b":2}
            json.puts {"a": 1}, "a", 2, "b", 3 -> {"a":2,"b":3}
            json.puts 1, "a", 2 -> ARG_TYPE: argument 1 `object`: expected an object, got 1
            json.puts_pairs {"a": 1}, [["c", null]] -> {"a":1,"c":null}
            json.parse "{\"x\":[1,2.5]}" -> {"x":[1,2.5]}
            json.parse "{" -> ARG_TYPE: not JSON: not a JSON value: EOF while parsing an object at line 1 column 1
            json.stringify {"b": 1, "a": 1.0} -> "{\"a\":1.0,\"b\":1}"
            debug.stringify -> "(no arguments)"
            debug.stringify "a" -> "\"a\""
            debug.stringify 1, "a" -> "[1,\"a\"]"
        "#]],
    );
}

#[test]
fn peer() {
    check(
        r#"
        peer.timestamp_ms
        peer.timestamp_sec
        peer.is_connected @2
        peer.is_connected "nobody"
        peer.is_connected
        peer.get_contact @2
        peer.connect @2, ["a", "b"]
        peer.connect @2, [["a"]]
        peer.connect @2
        peer.timeout 5
        peer.timeout "12", "done"
        peer.timeout -1
        peer.timeout 1, ["a", "b"]
        peer.identify
        "#,
        &expect![[r#"
            peer.timestamp_ms -> 1700000000123
            peer.timestamp_sec -> 1700000000
            peer.is_connected @2 -> true
            peer.is_connected "nobody" -> ARG_TYPE: argument 1 `peer_id`: expected a peer id, got a string
            peer.is_connected -> ARG_MISSING: argument 1 `peer_id` is missing
            peer.get_contact @2 -> {"addresses":["mem/2"],"peer_id":"@2"}
            peer.connect @2, ["a", "b"] -> connect to ["a", "b"]
            peer.connect @2, [["a"]] -> connect to ["a"]
            peer.connect @2 -> connect to []
            peer.timeout 5 -> after 5 ms ""
            peer.timeout "12", "done" -> after 12 ms "done"
            peer.timeout -1 -> ARG_TYPE: argument 1 `duration_ms`: expected a number of milliseconds, got -1
            peer.timeout 1, ["a", "b"] -> ARG_OPTION: argument 2 `message` is optional: at most one value is allowed, got 2
            peer.identify -> {"air_version":"1.2.3","allowed_binaries":[],"external_addresses":["mem/1"],"features":["relay"],"limits":{"clock_skew_ms":30000,"message_bytes":16777216,"ttl_ms":600000},"node_version":"1.2.3","protocols":["/weir/particle/1"],"spell_version":"","vm_info":null}
        "#]],
    );
}

#[test]
fn srv() {
    check(
        r#"
        srv.list
        srv.info "greeter"
        srv.info "nobody"
        srv.get_interface "s1"
        srv.resolve_alias "greeter"
        srv.resolve_alias "s1"
        srv.resolve_alias_opt "greeter"
        srv.resolve_alias_opt "nobody"
        srv.add_alias "hello", "greeter"
        srv.add_alias "self", "s1"
        srv.add_alias "s1", "s1"
        srv.add_alias "hello", "nobody"
        srv.remove "greeter"
        srv.create "b1"
        "#,
        &expect![[r#"
            srv.list -> [{"aliases":["greeter"],"blueprint_id":"b1","id":"s1","owner_id":"@1","service_type":"service","worker_id":"@1"}]
            srv.info "greeter" -> {"aliases":["greeter"],"blueprint_id":"b1","id":"s1","owner_id":"@1","service_type":"service","worker_id":"@1"}
            srv.info "nobody" -> NOT_FOUND: no service `nobody`
            srv.get_interface "s1" -> {"function_signatures":[]}
            srv.resolve_alias "greeter" -> "s1"
            srv.resolve_alias "s1" -> NOT_FOUND: no service `s1`
            srv.resolve_alias_opt "greeter" -> ["s1"]
            srv.resolve_alias_opt "nobody" -> []
            srv.add_alias "hello", "greeter" -> AddAlias { alias: "hello", service: "s1" }
            srv.add_alias "self", "s1" -> FORBIDDEN: alias `self` is reserved
            srv.add_alias "s1", "s1" -> EXISTS: `s1` is the id of a service
            srv.add_alias "hello", "nobody" -> NOT_FOUND: no service `nobody`
            srv.remove "greeter" -> Remove { service: "s1" }
            srv.create "b1" -> create abababab-abab-4bab-abab-abababababab of b1 for the initiator
        "#]],
    );
}

#[test]
fn strangers_may_look_and_not_touch() {
    check_as(
        peer_id(5),
        r#"
        srv.list
        srv.add_alias "hello", "s1"
        srv.remove "s1"
        peer.connect @2
        "#,
        &expect![[r#"
            srv.list -> [{"aliases":["greeter"],"blueprint_id":"b1","id":"s1","owner_id":"@1","service_type":"service","worker_id":"@1"}]
            srv.add_alias "hello", "s1" -> FORBIDDEN: `srv.add_alias` is for the host and its manager only
            srv.remove "s1" -> FORBIDDEN: `srv.remove` is for the host and its manager only
            peer.connect @2 -> FORBIDDEN: `peer.connect` is for the host and its manager only
        "#]],
    );
    check_as(
        peer_id(9),
        "srv.remove \"s1\"",
        &expect![[r#"
        srv.remove "s1" -> Remove { service: "s1" }
    "#]],
    );
}

#[test]
fn a_result_that_would_be_too_large_is_refused_before_it_is_built() {
    let half = "x".repeat(600);
    let text = run(
        &format!("op.concat_strings \"{half}\", \"{half}\""),
        peer_id(1),
    );
    assert_eq!(
        text,
        "LIMIT: a string of 1200 bytes is over the limit result_bytes = 1000"
    );
    let text = run(&format!("op.array \"{half}\", \"{half}\""), peer_id(1));
    assert_eq!(
        text,
        "LIMIT: the result is over the limit result_bytes = 1000"
    );
}

#[test]
fn the_size_of_a_value_that_shares_its_parts_is_found_without_writing_it() {
    let mut value = Value::from("0123456789");
    for _ in 0..100 {
        value = Value::from(vec![value.clone(), value]);
    }
    assert!(!encoded_size_within(&value, 1 << 20));
    let object = Value::from_json(
        r#"{"a":[1,-1,300],"long key":{"x":null,"y":1.5},"n":18446744073709551615}"#,
    )
    .unwrap();
    let bytes = object.to_dag_cbor().len();
    assert!(encoded_size_within(&object, bytes));
    assert!(!encoded_size_within(&object, bytes - 1));
}

#[test]
fn srv_create_makes_another_service_of_a_known_blueprint() {
    let manager = peer_id(9);
    assert_eq!(
        run(r#"srv.create "b1""#, manager),
        "create abababab-abab-4bab-abab-abababababab of b1 for the initiator"
    );
    let unknown = run(r#"srv.create "b2""#, manager);
    assert!(unknown.starts_with("NOT_FOUND: "), "{unknown}");
    let stranger = run(r#"srv.create "b1""#, peer_id(5));
    assert!(stranger.starts_with("FORBIDDEN: "), "{stranger}");
}

#[test]
fn concat_is_refused_before_it_is_built() {
    let part = format!("[\"{}\"]", "x".repeat(400));
    let refused = run(&format!("op.concat {part}, {part}, {part}"), peer_id(5));
    assert!(refused.starts_with("LIMIT: "), "{refused}");
    assert!(run("op.concat [1], [2]", peer_id(5)) == "[1,2]");
}

#[test]
fn subnet() {
    check(
        r#"
        subnet.resolve "7"
        subnet.resolve "0x7"
        subnet.resolve "8"
        subnet.resolve "0xd9e5b7d3f5f4a3a1b4d9e5b7d3f5f4a3a1b4d9e5"
        subnet.resolve 7
        "#,
        &expect![[r#"
            subnet.resolve "7" -> {"app_cid":"bafkreif4jjyrqcdq66kfcvp3waxuwcroh6vcuyww2mnxaoibgbk62gmgti","block":120,"error":[],"success":true,"view":"6c3952a7c48c85d982f44853d93e15c694743ca651c1c7aa8354d452317d9c25","workers":[{"cu_ids":["0x00"],"host_id":"@1","pat_id":"0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","worker_id":["@2"]},{"cu_ids":["0x00"],"host_id":"@2","pat_id":"0xa2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2","worker_id":[]}]}
            subnet.resolve "0x7" -> {"app_cid":"bafkreif4jjyrqcdq66kfcvp3waxuwcroh6vcuyww2mnxaoibgbk62gmgti","block":120,"error":[],"success":true,"view":"6c3952a7c48c85d982f44853d93e15c694743ca651c1c7aa8354d452317d9c25","workers":[{"cu_ids":["0x00"],"host_id":"@1","pat_id":"0xa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","worker_id":["@2"]},{"cu_ids":["0x00"],"host_id":"@2","pat_id":"0xa2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2","worker_id":[]}]}
            subnet.resolve "8" -> {"app_cid":"","block":0,"error":["deal 8 is not known here: this peer follows the deals that it serves; ask a peer of the deal"],"success":false,"view":"","workers":[]}
            subnet.resolve "0xd9e5b7d3f5f4a3a1b4d9e5b7d3f5f4a3a1b4d9e5" -> {"app_cid":"","block":0,"error":["`0xd9e5b7d3f5f4a3a1b4d9e5b7d3f5f4a3a1b4d9e5` is not the number of a deal: expected decimal digits, or 0x and hexadecimal ones"],"success":false,"view":"","workers":[]}
            subnet.resolve 7 -> ARG_TYPE: argument 1 `deal_id`: expected a string, got 7
        "#]],
    );
}

#[test]
fn worker() {
    check(
        r#"
        worker.get_worker_id "7"
        worker.get_worker_id "8"
        worker.list
        worker.is_active "7"
        worker.is_active "8"
        worker.is_active "seven"
        worker.create "8", []
        "#,
        &expect![[r#"
            worker.get_worker_id "7" -> ["@2"]
            worker.get_worker_id "8" -> []
            worker.list -> ["@2"]
            worker.is_active "7" -> true
            worker.is_active "8" -> NOT_FOUND: deal `8` has no worker here
            worker.is_active "seven" -> ARG_TYPE: `seven` is not the number of a deal: expected decimal digits, or 0x and hexadecimal ones
            worker.create "8", [] -> FORBIDDEN: the workers of a peer follow the market and the policy of its operator, not scripts
        "#]],
    );
}
