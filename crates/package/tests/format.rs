//! The bytes of packages: vectors, one form, and what is refused.

#[path = "fuzz_targets/targets.rs"]
#[allow(dead_code, reason = "the fuzz targets are not used here")]
mod targets;

use expect_test::expect;
use ipld_core::ipld::Ipld;
use serde_ipld_dagcbor::{from_slice, to_vec};
use weir_identity::{Cid, Codec};
use weir_package::{Block, Builder, Grants, Location, Root, limits, module_set_hash};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| {
        digits + &format!("{byte:02x}")
    })
}

#[test]
fn the_small_package_is_the_vector_of_the_documentation() {
    let small = targets::small();
    let vectors = format!(
        "root = {}\nbytes = {}\ncomponent = {}\nmodule set of it = {}\nmodule set of none = {}\nmodule set of two = {}\n",
        small.cid(),
        hex(small.blocks()[0].bytes()),
        Cid::of_raw(b"component"),
        small.root().module_set_hash(),
        module_set_hash([]),
        module_set_hash([Cid::of_raw(b"b"), Cid::of_raw(b"a"), Cid::of_raw(b"b")]),
    );
    let documents = [env!("CARGO_MANIFEST_DIR"), "../../docs/package.md"];
    let document = std::fs::read_to_string(documents.iter().collect::<std::path::PathBuf>());
    let document = document.expect("the page is part of the repository");
    let documented = document
        .split("```package-vectors\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    assert_eq!(documented, Some(vectors.as_str()), "docs/package.md");
}

#[test]
fn the_same_parts_make_the_same_package() {
    let build = |paths: [&str; 2]| {
        let mut package = Builder::new("p", "1.0.0");
        for path in paths {
            package.aqua(path, targets::content(path)).unwrap();
        }
        package.build().unwrap().cid()
    };
    assert_eq!(build(["a.aqua", "b/c.aqua"]), build(["b/c.aqua", "a.aqua"]));
    assert_eq!(targets::sample().cid(), targets::sample().cid());
    expect!["bafyreid"].assert_eq(&targets::sample().cid().to_string()[..8]);
}

#[test]
fn services_are_installed_in_the_order_of_the_project() {
    let sample = targets::sample();
    let names: Vec<_> = sample
        .root()
        .services()
        .iter()
        .map(weir_package::Service::name)
        .collect();
    assert_eq!(names, ["weather", "archive"]);
}

#[test]
fn the_links_are_those_of_ipld() {
    let sample = targets::sample();
    let known: Vec<Cid> = sample.blocks().iter().map(Block::cid).collect();
    for block in sample
        .blocks()
        .iter()
        .filter(|block| block.cid().codec() == Codec::DagCbor)
    {
        // The other opinion reads the whole block, finds the same links, and writes the same bytes.
        let other: Ipld = from_slice(block.bytes()).unwrap();
        assert_eq!(to_vec(&other).unwrap(), &**block.bytes());
        let mut references = Vec::new();
        other.references(&mut references);
        let text = |cid: &dyn std::fmt::Display| cid.to_string();
        let mut found: Vec<String> = references.iter().map(|cid| text(cid)).collect();
        let links = block.links().unwrap();
        let mut own: Vec<String> = links.iter().map(|cid| text(cid)).collect();
        found.sort();
        own.sort();
        assert_eq!(found, own);
        assert!(links.iter().all(|link| known.contains(link)));
    }
}

#[test]
fn what_is_wrong_is_named_with_its_field() {
    let bytes = targets::sample().blocks()[0].bytes().to_vec();
    let place = |needle: &[u8]| {
        bytes
            .windows(needle.len())
            .position(|it| it == needle)
            .unwrap()
    };
    let changed = |needle: &[u8], other: &[u8]| {
        let mut bytes = bytes.clone();
        let at = place(needle);
        bytes[at..at + other.len()].copy_from_slice(other);
        Root::decode(&bytes).unwrap_err().to_string()
    };
    let errors = [
        changed(b"gpackage\x01", b"gpackage\x02"),
        changed(b"gpackage", b"gpackagf"),
        changed(b"1.4.0", b"1.4.x"),
        changed(b"gweather", b"gWeather"),
        changed(b"main.aqua", b"../x.aqua"),
        changed(b"main.aqua", b"aain.aqua"),
        changed(b"weir:host/http@0.1", b"weir:host/http@0.0"),
        changed(b"api.example.org", b"api example.org"),
        changed(b"0 3 * * *", b"0 3 * * 9"),
        changed(b"refreshAll", b"refresh-ll"),
        changed(b"dsize\x1a", b"dsize\x1b"),
        changed(b"hservices\x82", b"hservices\x9f"),
    ];
    expect![[r#"
        package: is version 2 of the format, only 1 is known here
        package: has the field `packagf` where `package` belongs
        version: not a semantic version: unexpected character 'x' while parsing patch version number
        name: a name has small letters, digits and hyphens, begins with a letter and is at most 64 bytes long
        aqua.path: a path is relative, has `/` between its parts, no `.` or `..`, `\`, `:` or control character, and at most 200 bytes
        package: is not canonical from byte 28 on
        services[0].grants.weir:host/http@0.0: names no interface; write PACKAGE/INTERFACE@VERSION with the shortest version, like `weir:host/http@0.1`
        services[0].grants.weir:host/http@0.1.hosts: has an item that is no word
        schedules[1].cron: `9` is not a day of the week: write `*`, numbers from 0 to 7, ranges `a-b`, steps `/n`, and commas
        schedules[0].run: is not the name of a function of Aqua
        package: has the field `agegversio` where `package` belongs
        services: has no definite length"#]].assert_eq(&errors.join("\n"));
    for length in 0..bytes.len() {
        assert!(Root::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Root::decode(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn counts_that_lie_cost_nothing() {
    // Lists of 2^64 - 1 items, in place of the files of Aqua.
    let mut bytes = vec![0xa7, 0x64];
    bytes.extend_from_slice(b"aqua");
    bytes.extend_from_slice(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect!["aqua: has 18446744073709551615 items, at most 256 are allowed"]
        .assert_eq(&Root::decode(&bytes).unwrap_err().to_string());
    let large = vec![0; limits::BLOCK_BYTES_MAX + 1];
    expect!["package: has 262145 bytes, at most 262144 are allowed"]
        .assert_eq(&Root::decode(&large).unwrap_err().to_string());
}

#[test]
fn what_is_nested_deeply_is_refused_before_the_stack_ends() {
    let mut package = Builder::new("p", "1.0.0");
    package.aqua("a.aqua", "").unwrap();
    let bytes = package.build().unwrap().blocks()[0].bytes().to_vec();
    let schedules = bytes.len() - 1;
    assert_eq!(bytes[schedules], 0x80);
    let nested = [&bytes[..schedules], &vec![0x81; 200_000], &[0x80]].concat();
    expect![
        "schedules[0]: not canonical DAG-CBOR: more than 128 nested arrays and objects at byte 128"
    ]
    .assert_eq(&Root::decode(&nested).unwrap_err().to_string());
    let links = Block::dag_cbor([vec![0x81; 200_000], vec![0x80]].concat()).links();
    assert_eq!(links, Ok(Vec::new()));
    let (open, close) = ("{a=".repeat(9_000), "}".repeat(9_000));
    let text = format!(
        "[package]\nname = \"p\"\nversion = \"1.0.0\"\n[[schedule]]\nname = \"s\"\nrun = \"f\"\nargs = {open}1{close}"
    );
    let error = weir_package::project::Project::parse(&text).unwrap_err();
    expect!["package.toml: cannot recurse further; max recursion depth met"]
        .assert_eq(&error.to_string());
}

#[test]
fn the_builder_keeps_the_rules_of_the_decoder() {
    let none = Grants::default;
    let build = |names: &[(&str, &[&str])]| {
        let mut package = Builder::new("p", "1.0.0");
        for (name, aliases) in names {
            let aliases = aliases.iter().map(|alias| (*alias).to_owned());
            package
                .service(name, "c", none(), aliases)
                .map_err(|error| error.to_string())?;
        }
        package
            .build()
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(build(&[("a", &["b"]), ("c", &[])]), Ok(()));
    let errors = [
        build(&[("a", &["b"]), ("b", &[])]),
        build(&[("a", &["b", "b"])]),
        build(&[("a", &[""])]),
        build(&[("A", &[])]),
        build(&vec![("a", &[] as &[&str]); 65]),
        Builder::new("p", "1")
            .build()
            .map(|_| ())
            .map_err(|error| error.to_string()),
    ];
    let errors: Vec<String> = errors.into_iter().map(Result::unwrap_err).collect();
    expect![[r#"
        services[1]: `b` stands twice among the names and aliases of services
        services.a.aliases: `b` stands there twice
        services[0].aliases: an alias has 1 to 64 letters, digits, hyphens, underscores and dots
        services[0].name: a name has small letters, digits and hyphens, begins with a letter and is at most 64 bytes long
        services: has 65 items, at most 64 are allowed
        version: not a semantic version: unexpected end of input while parsing major version number"#]].assert_eq(&errors.join("\n"));
}

#[test]
fn a_location_has_one_text() {
    let cid = targets::sample().cid();
    let transaction = "a".repeat(43);
    for text in [cid.to_string(), format!("{cid}@arweave:{transaction}")] {
        let location: Location = text.parse().unwrap();
        assert_eq!((location.cid(), location.to_string()), (cid, text));
    }
    let raw = Cid::of_raw(b"");
    for wrong in [
        raw.to_string(),
        format!("{cid}@arweave:short"),
        format!("{cid}@x"),
        String::new(),
    ] {
        assert!(wrong.parse::<Location>().is_err(), "{wrong}");
    }
}
