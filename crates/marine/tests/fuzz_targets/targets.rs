//! The targets: plain functions over bytes.

use std::sync::LazyLock;

use weir_identity::Value;
use weir_marine::{Error, Limits, Marine, Module};

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
