//! The manifest as text and as bytes, and the grants in it.

use std::path::Path;

use expect_test::{Expect, expect};
use weir_identity::{Cid, Value};
use weir_marine::{Grants, Hosts, HttpPolicy, Limits, MANIFEST_BYTES_MAX, Manifest, Mode, Policy};

const SERVICE: &str = "[service]\nname = \"thing\"\nversion = \"1.0.0\"\n";
const PART: &str = "[[part]]\nname = \"front\"\n";

/// A manifest whose part is named by a CID, so that it has a canonical form.
fn with(service: &str, part: &str, more: &str) -> String {
    let cid = Cid::of_raw(b"a component");
    format!("{SERVICE}{service}\n{PART}component = \"{cid}\"\n{part}\n{more}")
}

fn read(source: &str) -> Manifest {
    Manifest::from_toml(source).unwrap_or_else(|error| panic!("{error}\n{source}"))
}

fn refused(source: &str, expected: &Expect) {
    let error = Manifest::from_toml(source).expect_err("it is wrong");
    assert_eq!(error.code(), "deploy/bad-manifest");
    expected.assert_eq(&error.to_string());
}

#[test]
fn the_examples_of_the_reference_are_manifests() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manifest.md");
    let text = std::fs::read_to_string(path).expect("the reference is there");
    let examples: Vec<&str> = text
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(examples.len(), 4);
    let manifests: Vec<Manifest> = examples.into_iter().map(read).collect();
    assert_eq!(manifests[0].parts().len(), 2);
    assert_eq!(manifests[0].default_mode(), Some(Mode::View));
    assert_eq!(manifests[2].parts()["fetcher"].grants.iter().count(), 4);
    let linked = manifests[3].parts()["parser"].linked();
    assert_eq!(linked.and_then(|limits| limits.fuel), Some(50_000_000));
    assert_eq!(MANIFEST_BYTES_MAX, 65_536, "as the reference says");
}

#[test]
fn every_default_is_shown() {
    let manifest = read(&with("", "", "[functions]\nrun = {}\n"));
    expect![[r#"{"functions":{"run":{"access":"any","fuel":null,"mode":null}},"limits":{"fuel":null,"memory":null,"result":null,"state":null},"part":[{"component":"bafkreidcnugogpffkdoamni4h2t3ngf6kv77lu236jpnyrbcdnlbqoczjq","facade":true,"grants":{},"name":"front"}],"service":{"commit_on_err":false,"default_mode":null,"name":"thing","version":"1.0.0"},"wiring":{}}"#]].assert_eq(&manifest.effective().to_json());
    let manifest = read(&with(
        "default_mode = \"view\"",
        "grants = { \"weir:host/state@0.1.7\" = {} }",
        "[limits]\nfuel = 7\nmemory = \"2 MiB\"\n[functions]\nrun = { fuel = 5 }\nwalk = { mode = \"pure\" }\n",
    ));
    expect![[r#"{"functions":{"run":{"access":"any","fuel":5,"mode":"view"},"walk":{"access":"any","fuel":7,"mode":"pure"}},"limits":{"fuel":7,"memory":2097152,"result":null,"state":null},"part":[{"component":"bafkreidcnugogpffkdoamni4h2t3ngf6kv77lu236jpnyrbcdnlbqoczjq","facade":true,"grants":{"weir:host/state@0.1":{}},"name":"front"}],"service":{"commit_on_err":false,"default_mode":"view","name":"thing","version":"1.0.0"},"wiring":{}}"#]].assert_eq(&manifest.effective().to_json());
}

#[test]
fn the_canonical_form_is_read_back_and_is_the_only_one() {
    let manifest = read(&with(
        "",
        "grants = { \"weir:host/http@0.1.0\" = { hosts = [\"B.example\", \"a.example\"] } }",
        "[functions]\nrun = { mode = \"view\" }\n",
    ));
    let bytes = manifest.to_dag_cbor().expect("its part is named by a CID");
    let value = Value::from_dag_cbor(&bytes).expect("it is a value");
    expect![[r#"{"functions":{"run":{"access":"any","mode":"view"}},"limits":{},"manifest":1,"part":[{"component":"bafkreidcnugogpffkdoamni4h2t3ngf6kv77lu236jpnyrbcdnlbqoczjq","facade":true,"grants":{"weir:host/http@0.1":{"hosts":["a.example","b.example"]}},"name":"front"}],"service":{"commit_on_err":false,"name":"thing","version":"1.0.0"},"wiring":{}}"#]].assert_eq(&value.to_json());
    assert_eq!(
        Manifest::from_dag_cbor(&bytes).expect("it is good"),
        manifest
    );
    // The same manifest in other words.
    for (from, to) in [
        (
            r#"["a.example","b.example"]"#,
            r#"["b.example","a.example"]"#,
        ),
        (r#""a.example""#, r#""A.example""#),
        ("http@0.1", "http@0.1.0"),
        (r#""limits":{}"#, r#""limits":{"memory":"1 MiB"}"#),
        (r#""mode":"view""#, r#""mode":null"#),
        (r#","wiring":{}"#, ""),
    ] {
        let json = value.to_json().replace(from, to);
        assert_ne!(json, value.to_json(), "{from} is there");
        let other = Value::from_json(&json).expect("it is JSON");
        let error = Manifest::from_dag_cbor(&other.to_dag_cbor());
        assert!(error.is_err(), "{to} instead of {from}");
    }
    let long = vec![0; MANIFEST_BYTES_MAX + 1];
    assert!(Manifest::from_dag_cbor(&long).is_err());
}

#[test]
fn a_path_has_no_canonical_form() {
    let manifest = read(&format!("{SERVICE}{PART}component = \"front.wasm\"\n"));
    let error = manifest.to_dag_cbor().expect_err("it is a path");
    expect!["the manifest is not good: part `front` is the file front.wasm, not a CID; compose the parts first"].assert_eq(&error.to_string());
}

#[test]
fn limits_cap_what_the_peer_gives() {
    let manifest = read(&with(
        "",
        "",
        "[limits]\nfuel = 10\nmemory = \"1 GiB\"\nresult = 5\n[functions]\nrun = { fuel = 20 }\n",
    ));
    let given = Limits::default();
    let capped = manifest.cap(&given, None);
    assert_eq!((capped.fuel, capped.result_bytes), (10, 5));
    assert_eq!(capped.memory_bytes, given.memory_bytes, "never more");
    let run = manifest.functions().get("run");
    assert_eq!(manifest.cap(&given, run).fuel, 20);
}

#[test]
fn mistakes_are_named_with_their_line_and_what_to_do() {
    let good = "component = \"x\"\n";
    let cases = [
        (
            "",
            expect!["the manifest is not good: the table [service] is missing"],
        ),
        (
            "[service]\nname = \"x\"\n",
            expect![[
                r#"the manifest is not good: line 1: [service] `version` is missing; write for example `version = "1.0.0"`"#
            ]],
        ),
        (
            "[service\n",
            expect!["the manifest is not good: line 1: unclosed table, expected `]`"],
        ),
        (
            "[service]\nname = \"x\"\nname = \"y\"\n",
            expect!["the manifest is not good: line 3: duplicate key"],
        ),
        (
            SERVICE,
            expect![
                "the manifest is not good: there are no parts; name the component under [[part]]"
            ],
        ),
        (
            &format!("{SERVICE}nme = 1\n"),
            expect![
                "the manifest is not good: line 4: [service] unknown key `nme`; known are: name, version, default_mode, commit_on_err"
            ],
        ),
        (
            &format!("{SERVICE}default_mode = \"write\"\n"),
            expect![[
                r#"the manifest is not good: line 4: [service.default_mode] expected "pure", "view" or "update", got "write""#
            ]],
        ),
        (
            &format!("{SERVICE}commit_on_err = 1\n"),
            expect![
                "the manifest is not good: line 4: [service.commit_on_err] expected true or false, got 1"
            ],
        ),
        (
            "[service]\nname = \"Thing\"\nversion = \"1.0.0\"\n",
            expect![[
                r#"the manifest is not good: line 2: [service.name] expected a name of at most 64 small letters, digits and hyphens, beginning with a letter, got "Thing""#
            ]],
        ),
        (
            "[service]\nname = \"x\"\nversion = \"1\"\n",
            expect![[
                r#"the manifest is not good: line 3: [service.version] expected a version as semantic versioning has it, such as "1.4.0", got "1""#
            ]],
        ),
        (
            &format!("{SERVICE}[limit]\n"),
            expect![
                "the manifest is not good: line 4: unknown key `limit`; known are: service, limits, part, wiring, functions, build"
            ],
        ),
        (
            &format!("{SERVICE}{PART}{good}[limits]\nmemory = \"64 MB\"\n"),
            expect![[
                r#"the manifest is not good: line 8: [limits.memory] expected a size above 0 in bytes, or text like "64 MiB" (B, KiB, MiB, GiB), got "64 MB""#
            ]],
        ),
        (
            &format!("{SERVICE}{PART}{good}[limits]\nfuel = 0\n"),
            expect![
                "the manifest is not good: line 8: [limits.fuel] expected a number of fuel units above 0, got 0"
            ],
        ),
        (
            &format!("{SERVICE}{PART}{good}[limits]\nfuel = 1.5\n"),
            expect!["the manifest is not good: line 8: there are no fractions in a manifest"],
        ),
        (
            &format!("{SERVICE}[part]\nname = \"x\"\n"),
            expect![
                "the manifest is not good: line 4: [part] expected a list of parts; write [[part]] over each"
            ],
        ),
        (
            &format!("{SERVICE}{PART}"),
            expect![[
                r#"the manifest is not good: line 4: [part front] `component` is missing; write for example `component = "facade.wasm"`"#
            ]],
        ),
        (
            &format!("{SERVICE}{PART}{good}{PART}{good}"),
            expect![
                "the manifest is not good: line 7: [part front] there are two parts of the name `front`; give one another"
            ],
        ),
        (
            &format!("{SERVICE}{PART}{good}[[part]]\nname = \"back\"\n{good}"),
            expect![
                "the manifest is not good: no part is the facade; write `facade = true` to the part with the functions of the service"
            ],
        ),
        (
            &format!(
                "{SERVICE}{PART}{good}facade = true\n[[part]]\nname = \"back\"\n{good}facade = true\n"
            ),
            expect![
                "the manifest is not good: line 8: [part back] there are two facades, `front` and `back`; one part has the functions of the service"
            ],
        ),
        (
            &format!("{SERVICE}{PART}{good}grant = {{}}\n"),
            expect![
                "the manifest is not good: line 7: [part] unknown key `grant`; known are: name, component, facade, grants, link, limits"
            ],
        ),
        (
            &format!("{SERVICE}{PART}{good}[wiring]\nfront = \"front\"\n"),
            expect![[
                r#"the manifest is not good: line 8: [wiring] `front` does not say which import of which part; write "PART/IMPORT" = "PROVIDER""#
            ]],
        ),
        (
            &format!("{SERVICE}{PART}{good}[wiring]\n\"front/a:b/c\" = \"back\"\n"),
            expect![
                "the manifest is not good: line 8: [wiring] there is no part `back`; there are: front"
            ],
        ),
        (
            &format!("{SERVICE}{PART}{good}[functions]\nrun = \"view\"\n"),
            expect![
                "the manifest is not good: line 8: [functions.run] expected a table, got a string"
            ],
        ),
        (
            &format!("{SERVICE}{PART}{good}[functions]\nrun = {{ access = \"me\" }}\n"),
            expect![[
                r#"the manifest is not good: line 8: [functions.run.access] expected "any" or "owner", got "me""#
            ]],
        ),
    ];
    for (source, expected) in cases {
        refused(source, &expected);
    }
}

#[test]
fn mistakes_in_grants_are_named_too() {
    let cases = [
        (
            "http = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants] `http` is not the name of an interface; write it like `weir:host/http@0.1`"
            ],
        ),
        (
            "\"weir:host@0.1\" = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants] `weir:host@0.1` is not the name of an interface; write it like `weir:host/http@0.1`"
            ],
        ),
        (
            "\"weir:host/htp@0.1\" = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants] the host has no interface `weir:host/htp@0.1`; it has: state, blobs, http, signing, programs, entropy"
            ],
        ),
        (
            "\"weir:host/log@0.1\" = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants] `weir:host/log@0.1` needs no grant, every component has it; remove this"
            ],
        ),
        (
            "\"wasi:random/random@0.2\" = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants] `wasi:random/random@0.2` needs no grant, every component has it; remove this"
            ],
        ),
        (
            "\"weir:host/http@0.1\" = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/http@0.1] `hosts` is missing, a list of host names, each exact or like `*.example.org`; what is not named is not granted; known are: hosts, methods, max_response_bytes"
            ],
        ),
        (
            "\"weir:host/http@0.1\" = { host = [\"a\"] }",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/http@0.1] unknown key `host`; known are: hosts, methods, max_response_bytes"
            ],
        ),
        (
            "\"weir:host/http@0.1\" = { hosts = [\"http://a\"] }",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/http@0.1] `hosts` is a list of host names, each exact or like `*.example.org`"
            ],
        ),
        (
            "\"weir:host/http@0.1\" = { hosts = \"a\" }",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/http@0.1] `hosts` is a list of host names, each exact or like `*.example.org`"
            ],
        ),
        (
            "\"weir:host/http@0.1\" = { hosts = [], methods = [1] }",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/http@0.1] `methods` is a list of HTTP methods, such as `GET`"
            ],
        ),
        (
            "\"weir:host/http@0.1\" = { hosts = [],\n max_response_bytes = \"x\" }",
            expect![[
                r#"the manifest is not good: line 8: [part front.grants.weir:host/http@0.1] `max_response_bytes` is a size above 0 in bytes, or text like "64 MiB" (B, KiB, MiB, GiB)"#
            ]],
        ),
        (
            "\"weir:host/programs@0.1\" = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/programs@0.1] `names` is missing, a list of names of programs that the operator offers; what is not named is not granted; known are: names"
            ],
        ),
        (
            "\"weir:host/state@0.1\" = { keys = 1 }",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/state@0.1] unknown key `keys`; write `{}`, it takes no keys"
            ],
        ),
        (
            "\"weir:host/state@0.1\" = true",
            expect![
                "the manifest is not good: line 7: [part front.grants.weir:host/state@0.1] a grant is an object, not a boolean; write `{}`, it takes no keys"
            ],
        ),
        (
            "\"weir:host/state@0.1\" = {}, \"weir:host/state@0.1.2\" = {}",
            expect![
                "the manifest is not good: line 7: [part front.grants] `weir:host/state@0.1` is granted twice; keep one"
            ],
        ),
    ];
    for (grants, expected) in cases {
        let source = format!("{SERVICE}{PART}component = \"x\"\ngrants = {{ {grants} }}\n");
        refused(&source, &expected);
    }
}

/// A generator of numbers that repeats.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        // The constants of a well-known linear congruential generator; the high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn some<'a>(&mut self, all: &[&'a str]) -> Vec<&'a str> {
        let chosen = all.iter().filter(|_| self.below(3) == 0);
        chosen.copied().collect()
    }
}

const PATTERNS: [&str; 8] = [
    "*",
    "*.example",
    "*.a.example",
    "*.b.a.example",
    "a.example",
    "b.a.example",
    "example",
    "Other.example",
];

const HOSTS: [&str; 8] = [
    "example",
    "a.example",
    "b.a.example",
    "c.b.a.example",
    "other.example",
    "OTHER.example.",
    "xexample",
    "elsewhere",
];

const METHODS: [&str; 3] = ["GET", "POST", "PUT"];

fn some_grants(numbers: &mut Numbers) -> Grants {
    let mut grants = Grants::default();
    let mut grant = |name: &str, policy| grants.insert(name, policy).expect("they belong together");
    if numbers.below(4) > 0 {
        let hosts = Hosts::new(numbers.some(&PATTERNS)).expect("good patterns");
        let methods = numbers.below(2) == 0;
        let methods = methods.then(|| numbers.some(&METHODS));
        let bytes = numbers.below(3);
        grant(
            "weir:host/http@0.1.3",
            Policy::Http(HttpPolicy {
                hosts,
                methods: methods.map(|some| some.into_iter().map(str::to_owned).collect()),
                max_response_bytes: (bytes > 0).then_some(bytes),
            }),
        );
    }
    if numbers.below(2) == 0 {
        let names = numbers.some(&["ls", "cat", "dog"]);
        grant(
            "weir:host/programs@0.1",
            Policy::Programs(names.into_iter().map(str::to_owned).collect()),
        );
    }
    for plain in [
        "weir:host/state@0.1.0",
        "wasi:filesystem/types@0.2.3",
        "a:b/c@1.2.3",
    ] {
        if numbers.below(2) == 0 {
            grant(plain, Policy::Plain);
        }
    }
    grants
}

/// Everything that can be asked of grants.
fn allowed(grants: &Grants) -> Vec<bool> {
    let http = match grants.policy("weir:host/http@0.1.0") {
        Some(Policy::Http(http)) => Some(http),
        _ => None,
    };
    let mut answers = Vec::new();
    for method in METHODS {
        for host in HOSTS {
            for port in [80, 443, 8080] {
                answers.push(http.is_some_and(|http| http.allows(method, host, port)));
            }
        }
    }
    for bytes in 0..4 {
        let within = |http: &HttpPolicy| http.max_response_bytes.is_none_or(|max| bytes <= max);
        answers.push(http.is_some_and(within));
    }
    for program in ["ls", "cat", "dog"] {
        let runs = match grants.policy("weir:host/programs@0.1.9") {
            Some(Policy::Programs(names)) => names.contains(program),
            _ => false,
        };
        answers.push(runs);
    }
    for plain in [
        "weir:host/state@0.1.5",
        "wasi:filesystem/preopens@0.2.0",
        "a:b/c@1.0.0",
    ] {
        answers.push(grants.policy(plain).is_some());
    }
    answers
}

#[test]
fn an_intersection_allows_exactly_what_both_allow() {
    let mut numbers = Numbers(7);
    for round in 0..2_000 {
        let (one, other) = (some_grants(&mut numbers), some_grants(&mut numbers));
        let both = one.intersect(&other);
        let expected: Vec<bool> = allowed(&one)
            .into_iter()
            .zip(allowed(&other))
            .map(|(one, other)| one && other)
            .collect();
        assert_eq!(allowed(&both), expected, "{round}: {one:?}\n{other:?}");
        assert_eq!(both, other.intersect(&one));
        assert_eq!(both.intersect(&one), both);
    }
}

#[test]
fn grants_hold_for_versions_on_their_track_alone() {
    let mut grants = Grants::default();
    grants
        .insert("weir:host/state@0.1.4", Policy::Plain)
        .expect("a good name");
    for (name, holds) in [
        ("weir:host/state@0.1.0", true),
        ("weir:host/state@0.1.9", true),
        ("weir:host/state@0.2.0", false),
        ("weir:host/state@1.1.0", false),
        ("weir:host/state", false),
        ("weir:host/states@0.1.0", false),
        ("weir:host", false),
        ("", false),
    ] {
        assert_eq!(grants.policy(name).is_some(), holds, "{name}");
    }
    assert!(grants.insert("weir:host/http@0.1", Policy::Plain).is_err());
    assert!(grants.insert("state", Policy::Plain).is_err());
}

#[test]
fn what_is_written_is_read_back() {
    let mut numbers = Numbers(11);
    for _ in 0..500 {
        let grants = some_grants(&mut numbers);
        let table: Vec<String> = grants
            .iter()
            .map(|(name, policy)| {
                let policy = policy.to_value().to_json().replace("\":", "\" = ");
                format!("\"{name}\" = {policy}")
            })
            .collect();
        let source = with("", &format!("grants = {{ {} }}", table.join(", ")), "");
        let manifest = read(&source);
        assert_eq!(manifest.parts()["front"].grants, grants, "{source}");
        let bytes = manifest.to_dag_cbor().expect("its part is named by a CID");
        assert_eq!(
            Manifest::from_dag_cbor(&bytes).expect("it is good"),
            manifest
        );
    }
}
