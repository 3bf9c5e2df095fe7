//! The modules for TypeScript clients.

use expect_test::{Expect, expect, expect_file};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_aqua::emit::typescript;
use weir_aqua::files::Files;
use weir_aqua::lower::Options;
use weir_aqua::{Request, compile};

const FORMS: &str = include_str!("definitions/forms.aqua");

struct One<'a>(&'a str);

impl Files for One<'_> {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(Arc::from(self.0)))
    }
}

fn module(text: &str) -> String {
    let request = Request {
        entries: vec![PathBuf::from("folder/forms.aqua")],
        ..Request::default()
    };
    let compilation = compile(&request, &One(text)).expect("the file is there");
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    let file = compilation.set.entries[0];
    typescript(&compilation, file, &Options::default()).expect("no limit is passed")
}

/// The module without scripts and definitions, which have tests of their own.
fn outline(text: &str) -> String {
    let mut outline = String::new();
    let mut in_definition = false;
    for line in module(text).lines() {
        if let Some((before, _)) = line.split_once("(args, {") {
            outline.push_str(&format!("{before}(args, …\n"));
            in_definition = true;
        } else if in_definition {
            in_definition = !line.starts_with("  }");
        } else if let Some((before, _)) = line.split_once("_script = ") {
            outline.push_str(&format!("{before}_script = …\n"));
        } else {
            outline.push_str(&format!("{line}\n"));
        }
    }
    outline
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&outline(text));
}

#[test]
fn a_whole_module() {
    let text = r#"
aqua Greeting

export Greeter, welcome

-- Greets people.
service Greeter("greeter"):
  hello(name: string) -> string

-- Welcomes somebody.
func welcome(name: string) -> string:
  text <- Greeter.hello(name)
  <- text
"#;
    expect![[r#"
        /* eslint-disable */
        // @ts-nocheck
        // Made by Weir from forms.aqua. Do not edit: changes are lost when it is compiled again.

        import type { IFluenceClient as IFluenceClient$$, ParticleContext as ParticleContext$$ } from "@fluencelabs/js-client";
        import { v5_callFunction as callFunction$$, v5_registerService as registerService$$ } from "@fluencelabs/js-client";

        /** Greets people. */
        export interface GreeterDef {
          hello: (name: string, callParams: ParticleContext$$) => string | Promise<string>;
        }

        export function registerGreeter(service: GreeterDef): void;
        export function registerGreeter(serviceId: string, service: GreeterDef): void;
        export function registerGreeter(peer: IFluenceClient$$, service: GreeterDef): void;
        export function registerGreeter(peer: IFluenceClient$$, serviceId: string, service: GreeterDef): void;
        export function registerGreeter(...args: any): void {
          registerService$$(args, {
            "defaultServiceId": "greeter",
            "functions": {
              "tag": "labeledProduct",
              "fields": {
                "hello": {
                  "tag": "arrow",
                  "domain": {
                    "tag": "labeledProduct",
                    "fields": {
                      "name": {
                        "tag": "scalar",
                        "name": "string"
                      }
                    }
                  },
                  "codomain": {
                    "tag": "unlabeledProduct",
                    "items": [
                      {
                        "tag": "scalar",
                        "name": "string"
                      }
                    ]
                  }
                }
              }
            }
          });
        }

        export const welcome_script = "(xor(seq(seq(call %init_peer_id%(\"getDataSrv\"\"-relay-\")[]-relay-)(call %init_peer_id%(\"getDataSrv\"\"name\")[]name))(seq(call %init_peer_id%(\"greeter\"\"hello\")[name]r)(call %init_peer_id%(\"callbackSrv\"\"response\")[r])))(call %init_peer_id%(\"errorHandlingSrv\"\"error\")[:error: 0]))";

        /** Welcomes somebody. */
        export function welcome(
          name: string,
          config?: { ttl?: number },
        ): Promise<string>;

        /** Welcomes somebody. */
        export function welcome(
          peer: IFluenceClient$$,
          name: string,
          config?: { ttl?: number },
        ): Promise<string>;

        export function welcome(...args: any): any {
          return callFunction$$(args, {
            "functionName": "welcome",
            "arrow": {
              "tag": "arrow",
              "domain": {
                "tag": "labeledProduct",
                "fields": {
                  "name": {
                    "tag": "scalar",
                    "name": "string"
                  }
                }
              },
              "codomain": {
                "tag": "unlabeledProduct",
                "items": [
                  {
                    "tag": "scalar",
                    "name": "string"
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
          }, welcome_script);
        }
    "#]].assert_eq(&module(text));
}

#[test]
fn every_form_of_type() {
    expect_file!["definitions/forms.ts.txt"].assert_eq(&outline(FORMS));
}

#[test]
fn comments_are_carried_over() {
    let text = r#"
aqua Docs

export Sensor, measure, plain

-- A sensor.
--
-- It measures */ things.
service Sensor("sensor"):
  -- Reads once.
  read() -> u32
  raw() -> u32
  -- Adjusts it.
  -- Slowly.
  adjust(by: u32)

-- Measures.
--
-- Takes `count` values.
func measure(count: u32) -> u32:
  <- count

func plain():
  Sensor.adjust(1)
"#;
    check(
        text,
        expect![[r#"
            /* eslint-disable */
            // @ts-nocheck
            // Made by Weir from forms.aqua. Do not edit: changes are lost when it is compiled again.

            import type { IFluenceClient as IFluenceClient$$, ParticleContext as ParticleContext$$ } from "@fluencelabs/js-client";
            import { v5_callFunction as callFunction$$, v5_registerService as registerService$$ } from "@fluencelabs/js-client";

            /**
             * A sensor.
             *
             * It measures *\/ things.
             */
            export interface SensorDef {
              /** Reads once. */
              read: (callParams: ParticleContext$$) => number | Promise<number>;
              raw: (callParams: ParticleContext$$) => number | Promise<number>;
              /**
               * Adjusts it.
               * Slowly.
               */
              adjust: (by: number, callParams: ParticleContext$$) => void | Promise<void>;
            }

            export function registerSensor(service: SensorDef): void;
            export function registerSensor(serviceId: string, service: SensorDef): void;
            export function registerSensor(peer: IFluenceClient$$, service: SensorDef): void;
            export function registerSensor(peer: IFluenceClient$$, serviceId: string, service: SensorDef): void;
            export function registerSensor(...args: any): void {
              registerService$$(args, …
            }

            export const measure_script = …

            /**
             * Measures.
             *
             * Takes `count` values.
             */
            export function measure(
              count: number,
              config?: { ttl?: number },
            ): Promise<number>;

            /**
             * Measures.
             *
             * Takes `count` values.
             */
            export function measure(
              peer: IFluenceClient$$,
              count: number,
              config?: { ttl?: number },
            ): Promise<number>;

            export function measure(...args: any): any {
              return callFunction$$(args, …
            }

            export const plain_script = …

            export function plain(
              config?: { ttl?: number },
            ): Promise<void>;

            export function plain(
              peer: IFluenceClient$$,
              config?: { ttl?: number },
            ): Promise<void>;

            export function plain(...args: any): any {
              return callFunction$$(args, …
            }
        "#]],
    );
}

#[test]
fn names_that_mean_something_in_typescript_are_changed() {
    let text = r#"
aqua Names

export Store, delete, registerStore, list, list_script, nothing

data Item:
  class: string
  default: ?u8

service Store("store"):
  delete(new: string, callParams: u32) -> Item

func delete(peer: string, config: Item, config_: u8, function: string):
  Store.delete(peer, 1)

func registerStore():
  Store.delete("a", 1)

func list():
  Store.delete("a", 1)

func list_script():
  Store.delete("a", 1)

func nothing(void: u8 -> u8):
  x <- void(1)
"#;
    check(
        text,
        expect![[r#"
            /* eslint-disable */
            // @ts-nocheck
            // Made by Weir from forms.aqua. Do not edit: changes are lost when it is compiled again.

            import type { IFluenceClient as IFluenceClient$$, ParticleContext as ParticleContext$$ } from "@fluencelabs/js-client";
            import { v5_callFunction as callFunction$$, v5_registerService as registerService$$ } from "@fluencelabs/js-client";

            export interface StoreDef {
              delete: (new_: string, callParams_: number, callParams: ParticleContext$$) => { class: string; default: number | null } | Promise<{ class: string; default: number | null }>;
            }

            export function registerStore(service: StoreDef): void;
            export function registerStore(serviceId: string, service: StoreDef): void;
            export function registerStore(peer: IFluenceClient$$, service: StoreDef): void;
            export function registerStore(peer: IFluenceClient$$, serviceId: string, service: StoreDef): void;
            export function registerStore(...args: any): void {
              registerService$$(args, …
            }

            export const delete__script = …

            export type DeleteArgConfig = { class: string; default: number | null };

            export function delete_(
              peer_: string,
              config_: DeleteArgConfig,
              config__: number,
              function_: string,
              config?: { ttl?: number },
            ): Promise<void>;

            export function delete_(
              peer: IFluenceClient$$,
              peer_: string,
              config_: DeleteArgConfig,
              config__: number,
              function_: string,
              config?: { ttl?: number },
            ): Promise<void>;

            export function delete_(...args: any): any {
              return callFunction$$(args, …
            }

            export const registerStore__script = …

            export function registerStore_(
              config?: { ttl?: number },
            ): Promise<void>;

            export function registerStore_(
              peer: IFluenceClient$$,
              config?: { ttl?: number },
            ): Promise<void>;

            export function registerStore_(...args: any): any {
              return callFunction$$(args, …
            }

            export const list_script = …

            export function list(
              config?: { ttl?: number },
            ): Promise<void>;

            export function list(
              peer: IFluenceClient$$,
              config?: { ttl?: number },
            ): Promise<void>;

            export function list(...args: any): any {
              return callFunction$$(args, …
            }

            export const list_script__script = …

            export function list_script_(
              config?: { ttl?: number },
            ): Promise<void>;

            export function list_script_(
              peer: IFluenceClient$$,
              config?: { ttl?: number },
            ): Promise<void>;

            export function list_script_(...args: any): any {
              return callFunction$$(args, …
            }

            export const nothing_script = …

            export function nothing(
              void_: (arg0: number, callParams: ParticleContext$$) => number | Promise<number>,
              config?: { ttl?: number },
            ): Promise<void>;

            export function nothing(
              peer: IFluenceClient$$,
              void_: (arg0: number, callParams: ParticleContext$$) => number | Promise<number>,
              config?: { ttl?: number },
            ): Promise<void>;

            export function nothing(...args: any): any {
              return callFunction$$(args, …
            }
        "#]],
    );
}

#[test]
fn texts_cannot_leave_the_script() {
    let text = "aqua Texts\n\nexport tricky\n\nfunc tricky() -> string:\n  <- \"`${process.exit()}` \u{2028}\"\n";
    let module = module(text);
    let line = module
        .lines()
        .find(|line| line.starts_with("export const"))
        .expect("a script");
    let literal = line
        .strip_prefix("export const tricky_script = ")
        .expect("the name");
    let literal = literal.strip_suffix(';').expect("a statement");
    let script: String = serde_json::from_str(literal).expect("a JSON string");
    assert!(
        script.contains("\"`${process.exit()}` \u{2028}\""),
        "{script}"
    );
}

#[test]
fn a_file_that_exports_nothing_is_an_empty_module() {
    check(
        "aqua Empty\n\nfunc inside():\n  x = 1\n",
        expect![[r#"
            /* eslint-disable */
            // @ts-nocheck
            // Made by Weir from forms.aqua. Do not edit: changes are lost when it is compiled again.

            export {};
        "#]],
    );
}
