//! Definitions for clients, beside those of the reference compiler (npm `@fluencelabs/aqua-api` 0.14.6) for the same file.

use expect_test::expect;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_aqua::emit::{Json, definition};
use weir_aqua::files::Files;
use weir_aqua::names::Exported;
use weir_aqua::{Request, compile};

const FORMS: &str = include_str!("definitions/forms.aqua");
const REFERENCE: &str = include_str!("definitions/reference.json");

struct One;

impl Files for One {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(Arc::from(FORMS)))
    }
}

/// The definitions of functions and of services, by the names for clients.
fn definitions() -> [Vec<(String, Json)>; 2] {
    let request = Request {
        entries: vec![PathBuf::from("forms.aqua")],
        ..Request::default()
    };
    let compilation = compile(&request, &One).expect("the file is there");
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    let mut functions = Vec::new();
    let mut services = Vec::new();
    for export in &compilation.world.module(compilation.set.entries[0]).exports {
        let name = export.name.clone();
        match export.what {
            Exported::Func(id) => {
                let ty = &compilation.world.func(id).ty;
                functions.push((name, definition::function(&export.name, ty)));
            }
            Exported::Service(id) => {
                services.push((name, definition::service(compilation.world.ty(id))));
            }
        }
    }
    [functions, services]
}

#[test]
fn definitions_are_those_of_the_reference() {
    let reference: Value = serde_json::from_str(REFERENCE).expect("it is JSON");
    for (kind, ours) in ["functions", "services"].into_iter().zip(definitions()) {
        let parsed = ours.into_iter().map(|(name, definition)| {
            let text = definition.to_string();
            (name, serde_json::from_str(&text).expect("it is JSON"))
        });
        let ours: Map<String, Value> = parsed.collect();
        assert_eq!(Value::Object(ours), reference[kind], "{kind}");
    }
}

#[test]
fn arguments_keep_their_order_because_clients_go_by_it() {
    let [functions, _] = definitions();
    let (_, scalars) = functions
        .iter()
        .find(|(name, _)| name == "scalars")
        .expect("it is exported");
    let text = scalars.to_string();
    let places = [
        "h", "g", "f", "e", "d", "c", "b", "a", "x", "y", "on", "text",
    ]
    .map(|name| {
        text.find(&format!("\"{name}\":"))
            .expect("it is an argument")
    });
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_definition_can_be_read() {
    let [functions, services] = definitions();
    let (_, renamed) = functions.last().expect("there are some");
    expect![[r#"
        {
          "functionName": "renamed",
          "arrow": {
            "tag": "arrow",
            "domain": {
              "tag": "labeledProduct",
              "fields": {
                "one": {
                  "tag": "scalar",
                  "name": "u8"
                }
              }
            },
            "codomain": {
              "tag": "unlabeledProduct",
              "items": [
                {
                  "tag": "scalar",
                  "name": "u8"
                }
              ]
            }
          },
          "names": {
            "relay": "-relay-",
            "getDataSrv": "getDataSrv",
            "callbackSrv": "callbackSrv",
            "responseSrv": "callbackSrv",
            "responseFnName": "response",
            "errorHandlingSrv": "errorHandlingSrv",
            "errorFnName": "error"
          }
        }"#]]
    .assert_eq(&format!("{renamed:#}"));
    let (_, fixed) = &services[1];
    expect![[r#"{"defaultServiceId":"fixed","functions":{"tag":"labeledProduct","fields":{"id":{"tag":"arrow","domain":{"tag":"labeledProduct","fields":{"id":{"tag":"scalar","name":"string"}}},"codomain":{"tag":"unlabeledProduct","items":[{"tag":"scalar","name":"string"}]}}}}}"#]].assert_eq(&fixed.to_string());
}
