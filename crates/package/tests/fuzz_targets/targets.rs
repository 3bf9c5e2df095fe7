//! What is fed with a corpus and mutations of it, by `cargo test` and by `cargo fuzz`.

use bytes::Bytes;
use weir_package::project::Project;
use weir_package::{Block, Builder, Built, ChunkList, Grants, Root};

/// A package with everything in it; one file has several chunks, two of which are the same.
pub fn sample() -> Built {
    let text = r#"
        [package]
        name = "weather"
        version = "1.4.0"

        [[service]]
        name = "weather"
        component = "weather.wasm"
        aliases = ["sky", "w"]

        [service.grants]
        "weir:host/http@0.1" = { hosts = ["api.example.org"], methods = ["GET"], max_response_bytes = "4 MiB" }
        "weir:host/state@0.1" = {}

        [[service]]
        name = "archive"
        component = "archive.wasm"

        [aqua]
        files = ["main.aqua", "lib/time.aqua"]

        [[schedule]]
        name = "refresh"
        run = "refreshAll"
        every = "30s"
        start = "2026-01-01T00:00:00Z"
        end = "2027-01-01T00:00:00Z"
        args = { limit = 10 }

        [[schedule]]
        name = "nightly"
        run = "archive"
        cron = "0 3 * * *"
    "#;
    let project = Project::parse(text).expect("it is right");
    project
        .build(|path| Ok(content(path)))
        .expect("it is right")
}

/// The files of the sample.
pub fn content(path: &str) -> Bytes {
    match path {
        "weather.wasm" => Bytes::from_static(b"the component of the weather"),
        "archive.wasm" => Bytes::from(vec![7; 600_000]),
        other => Bytes::from(format!("-- {other}\n")),
    }
}

/// The same package without what only a project file can say, by hand.
#[allow(dead_code, reason = "the targets of cargo fuzz do not use it")]
pub fn small() -> Built {
    let mut package = Builder::new("small", "0.1.0");
    let added = package.service("one", "component", Grants::default(), []);
    added.expect("it is right");
    package.build().expect("it is right")
}

/// What decodes is encoded to the same bytes, and its numbers can be asked for.
pub fn root(bytes: &[u8]) {
    if let Ok(root) = Root::decode(bytes) {
        let block = root.to_block().expect("it was a block");
        assert_eq!(block.bytes(), bytes);
        let links = block.links().expect("it was read");
        assert!(
            root.files()
                .iter()
                .all(|file| links.contains(&file.block()))
        );
        assert!(root.blocks() > root.files().len() as u64);
        let _ = (
            root.size(),
            root.module_set_hash(),
            weir_package::check(&root, &Grants::default()),
        );
    }
}

/// The lengths of chunks make the file.
pub fn chunks(bytes: &[u8]) {
    if let Ok(list) = ChunkList::decode(bytes) {
        assert_eq!(list.encode(), bytes);
        assert!(list.chunks().all(|(_, size)| size > 0));
    }
}

/// Any bytes can be asked for links.
pub fn links(bytes: &[u8]) {
    let _ = Block::dag_cbor(bytes.to_vec()).links();
}

/// Any text is a project or an error, and a project makes a package that is read again.
pub fn project(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(project) = Project::parse(text) else {
        return;
    };
    if let Ok(built) = project.build(|path| Ok(Bytes::from(path.to_owned()))) {
        let bytes = built.blocks()[0].bytes();
        assert_eq!(Root::decode(bytes).as_ref(), Ok(built.root()));
    }
}
