//! A whole session over a pipe: what an editor says, and what it hears.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use weir_aqua::files::Files;
use weir_aqua::{Compilation, Request, compile};
use weir_aqua_lsp::Compiler;

/// The editor's end of the pipe.
struct Editor {
    input: DuplexStream,
    output: BufReader<DuplexStream>,
    asked: i64,
}

impl Editor {
    fn start() -> (Self, tokio::task::JoinHandle<()>) {
        Self::start_with(weir_aqua::compile)
    }

    fn start_with(compiler: Compiler) -> (Self, tokio::task::JoinHandle<()>) {
        let (input, server_input) = tokio::io::duplex(1 << 16);
        let (server_output, output) = tokio::io::duplex(1 << 16);
        let server = tokio::spawn(weir_aqua_lsp::serve_with(
            compiler,
            server_input,
            server_output,
            Vec::new(),
        ));
        let editor = Self {
            input,
            output: BufReader::new(output),
            asked: 0,
        };
        (editor, server)
    }

    async fn send(&mut self, message: Value) {
        let text = message.to_string();
        let message = format!("Content-Length: {}\r\n\r\n{text}", text.len());
        self.input.write_all(message.as_bytes()).await.unwrap();
    }

    async fn tell(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params}))
            .await;
    }

    async fn hear(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line);
            let read = tokio::time::timeout(Duration::from_secs(20), read).await;
            assert!(
                read.expect("the server answers").unwrap() > 0,
                "it is closed"
            );
            match line.trim().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().unwrap(),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Asks and waits for the answer; what the server says meanwhile is answered or passed over.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message).await;
        loop {
            let message = self.hear().await;
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.answer(&message).await;
        }
    }

    async fn answer(&mut self, message: &Value) {
        if message.get("method").is_some() && message.get("id").is_some() {
            let id = message["id"].clone();
            self.send(json!({"jsonrpc": "2.0", "id": id, "result": null}))
                .await;
        }
    }

    /// Waits until the server says what is wrong with a version of a text.
    async fn mistakes(&mut self, version: i64) -> Vec<Value> {
        loop {
            let message = self.hear().await;
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics"
                && params["version"] == version
            {
                return params["diagnostics"].as_array().unwrap().clone();
            }
            self.answer(&message).await;
        }
    }
}

const TEXT: &str = "aqua Main declares *
func double(n: u32) -> u32:
  <- n + n
func four() -> u32:
  x <- double(2)
  <- y
";

#[tokio::test]
async fn an_editor_opens_changes_asks_and_leaves() {
    let (mut editor, server) = Editor::start();
    let hello = editor
        .ask("initialize", json!({"capabilities": {}, "processId": null}))
        .await;
    assert_eq!(hello["result"]["serverInfo"]["name"], "weir");
    assert_eq!(hello["result"]["capabilities"]["hoverProvider"], true);
    editor.tell("initialized", json!({})).await;

    let uri = "file:///nowhere/main.aqua";
    editor
        .tell(
            "textDocument/didOpen",
            json!({"textDocument": {"uri": uri, "languageId": "aqua", "version": 1, "text": TEXT}}),
        )
        .await;
    let mistakes = editor.mistakes(1).await;
    let error = mistakes.iter().find(|mistake| mistake["severity"] == 1);
    assert_eq!(
        error.unwrap()["range"]["start"],
        json!({"line": 5, "character": 5})
    );

    // `y` becomes `x`
    let place = json!({"start": {"line": 5, "character": 5}, "end": {"line": 5, "character": 6}});
    editor
        .tell(
            "textDocument/didChange",
            json!({
                "textDocument": {"uri": uri, "version": 2},
                "contentChanges": [{"range": place, "text": "x"}],
            }),
        )
        .await;
    assert_eq!(editor.mistakes(2).await, Vec::<Value>::new());

    let at = |line, character| {
        json!({
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
        })
    };
    let hover = editor.ask("textDocument/hover", at(4, 8)).await;
    let text = hover["result"]["contents"]["value"].as_str().unwrap();
    assert!(text.contains("func double(n: u32) -> u32"), "{text}");

    let found = editor.ask("textDocument/definition", at(4, 8)).await;
    assert_eq!(found["result"][0]["uri"], uri);
    assert_eq!(found["result"][0]["range"]["start"]["line"], 1);

    let mut params = at(4, 8);
    params["newName"] = json!("twice");
    let renamed = editor.ask("textDocument/rename", params).await;
    let edits = renamed["result"]["changes"][uri].as_array().unwrap();
    assert_eq!(edits.len(), 2);
    let mut params = at(4, 8);
    params["newName"] = json!("four");
    let refused = editor.ask("textDocument/rename", params).await;
    let reason = refused["error"]["message"].as_str().unwrap();
    assert!(reason.contains("defined twice"), "{reason}");

    let options = json!({"tabSize": 2, "insertSpaces": true});
    let params = json!({"textDocument": {"uri": uri}, "options": options});
    let formatted = editor.ask("textDocument/formatting", params).await;
    assert_eq!(formatted["result"].as_array().unwrap().len(), 1);

    for method in ["documentSymbol", "semanticTokens/full"] {
        let params = json!({"textDocument": {"uri": uri}});
        let answer = editor.ask(&format!("textDocument/{method}"), params).await;
        assert!(!answer["result"].is_null(), "{method}");
    }

    editor
        .tell(
            "textDocument/didClose",
            json!({"textDocument": {"uri": uri}}),
        )
        .await;
    let closed = editor.ask("textDocument/hover", at(4, 8)).await;
    assert!(closed["result"].is_null() && closed.get("error").is_none());

    let bye = editor.ask("shutdown", Value::Null).await;
    assert!(bye["result"].is_null());
    editor.tell("exit", Value::Null).await;
    tokio::time::timeout(Duration::from_secs(20), server)
        .await
        .expect("the server ends")
        .unwrap();
}

/// A compiler that breaks off at some texts.
fn fragile(request: &Request, files: &dyn Files) -> Result<Compilation, (PathBuf, String)> {
    for path in &request.entries {
        let text = files.read(path).ok().flatten();
        assert!(
            !text.is_some_and(|text| text.contains("breaks")),
            "a defect"
        );
    }
    compile(request, files)
}

#[tokio::test]
async fn a_compiler_that_breaks_off_ends_an_answer_and_not_the_server() {
    let (mut editor, _server) = Editor::start_with(fragile);
    editor
        .ask("initialize", json!({"capabilities": {}, "processId": null}))
        .await;
    editor.tell("initialized", json!({})).await;
    let uri = "file:///nowhere/main.aqua";
    let document = |version| json!({"uri": uri, "version": version});
    let at = json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 6}});
    editor
        .tell(
            "textDocument/didOpen",
            json!({"textDocument": {"uri": uri, "languageId": "aqua", "version": 1, "text": TEXT}}),
        )
        .await;
    editor.mistakes(1).await;

    let broken = json!([{"text": "-- breaks\n"}]);
    let change = json!({"textDocument": document(2), "contentChanges": broken});
    editor.tell("textDocument/didChange", change).await;
    let mistakes = editor.mistakes(2).await;
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert_eq!(mistakes[0]["code"], "W0001");
    let told = mistakes[0]["message"].as_str().unwrap();
    assert!(
        told.contains("a defect") && told.contains("report"),
        "{told}"
    );
    let answer = editor.ask("textDocument/hover", at.clone()).await;
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    let told = answer["error"]["message"].as_str().unwrap();
    assert!(told.contains("a defect"), "{told}");

    let change = json!({"textDocument": document(3), "contentChanges": [{"text": TEXT}]});
    editor.tell("textDocument/didChange", change).await;
    let codes: Vec<Value> = editor.mistakes(3).await;
    assert!(codes.iter().all(|one| one["code"] != "W0001"), "{codes:?}");
    let hover = editor.ask("textDocument/hover", at).await;
    let text = hover["result"]["contents"]["value"].as_str().unwrap();
    assert!(text.contains("func double(n: u32) -> u32"), "{text}");
}
