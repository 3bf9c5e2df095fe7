//! The targets: plain functions over bytes.

use std::sync::LazyLock;

use weir_identity::Value;
use weir_marine::{Error, Limits, Manifest, Marine, Module, embed_manifest, extract_manifest};

use super::support;

static MARINE: LazyLock<Marine> = LazyLock::new(support::marine);

/// Bytes are accepted or refused. What passes the checks is compiled and run as well.
pub(crate) fn component(bytes: &[u8]) {
    let checked = MARINE.check(bytes);
    if let Err(error) = &checked {
        assert!(error.code().starts_with("deploy/"), "{error}");
    }
    if checked.is_ok() {
        match MARINE.load(bytes) {
            Ok(module) => run_all(&module),
            Err(error) => assert!(!matches!(error, Error::Engine { .. }), "{error}"),
        }
    }
}

fn run_all(module: &Module) {
    let limits = Limits {
        fuel: 1_000_000,
        wall_ms: 1_000,
        memory_bytes: 1 << 20,
        ..Limits::default()
    };
    for function in module.functions() {
        let arguments = vec![Value::Null; function.params().len()];
        let output = support::call_within(module, &limits, &function.full_name(), &arguments);
        assert!(output.fuel <= limits.fuel);
    }
}

static ECHO: LazyLock<Module> = LazyLock::new(|| support::load(&support::shapes()));

/// What a function accepts and returns is accepted again, and then comes back unchanged.
pub(crate) fn arguments(bytes: &[u8]) {
    let Ok(value) = Value::from_json(&String::from_utf8_lossy(bytes)) else {
        return;
    };
    for function in ECHO.functions() {
        let name = function.full_name();
        match support::call(&ECHO, &name, std::slice::from_ref(&value)) {
            Ok(result) => {
                let again = support::call(&ECHO, &name, std::slice::from_ref(&result));
                assert_eq!(again.expect("results are good arguments"), result, "{name}");
            }
            Err(error) => assert!(
                error.code().starts_with("contract/") || error.code().starts_with("limit/"),
                "{name}: {error}"
            ),
        }
    }
}

/// What is taken as the canonical form of a manifest is written again byte for byte, and put into a component and
/// taken out of it unchanged.
pub(crate) fn manifest(bytes: &[u8]) {
    match Manifest::from_dag_cbor(bytes) {
        Ok(manifest) => {
            assert_eq!(manifest.to_dag_cbor().expect("it was read"), bytes);
            let component = embed_manifest(EMPTY_COMPONENT, &manifest).expect("it was read");
            let again = extract_manifest(&component).expect("it was put in");
            assert_eq!(again, Some(manifest));
        }
        Err(error) => assert_eq!(error.code(), "deploy/bad-manifest", "{error}"),
    }
    if let Err(error) = extract_manifest(bytes) {
        assert!(error.code().starts_with("deploy/"), "{error}");
    }
}

/// A component without anything in it.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// Text is a manifest or not. One whose parts are named by CIDs survives its canonical form.
pub(crate) fn weir_toml(bytes: &[u8]) {
    let Ok(manifest) = Manifest::from_toml(&String::from_utf8_lossy(bytes)) else {
        return;
    };
    manifest.effective();
    if let Ok(canonical) = manifest.to_dag_cbor() {
        let again = Manifest::from_dag_cbor(&canonical).expect("it was written");
        assert_eq!(again, manifest);
    }
}
