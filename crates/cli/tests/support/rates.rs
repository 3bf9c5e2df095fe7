//! The example `rates` in a folder of a test, with a server of the test in the place of the one that it asks.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The host that the example asks.
const HOST: &str = "api.frankfurter.dev";

/// A server that knows what a euro costs in dollars.
pub struct Rates {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Rates {
    /// Answers as long as the process lives.
    pub fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                // Whoever asks and leaves is no matter of this server.
                let _ = answer(stream);
            }
        });
        Self { port, asked }
    }

    /// How many requests came so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The same text with this server in the place of the other one.
    pub fn instead(&self, text: &str) -> String {
        let here = format!("127.0.0.1:{}", self.port);
        text.replace(&format!("https://{HOST}"), &format!("http://{here}"))
            .replace(HOST, &here)
    }

    /// The example, whose manifest and permissions name this server. It is at a private address, which an operator has
    /// to allow expressly.
    pub fn example(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rates");
        for part in ["front", "fetcher"] {
            let file = format!("{part}/{part}.wasm");
            std::fs::create_dir(folder.path().join(part)).expect("a writable folder");
            std::fs::copy(example.join(&file), folder.path().join(&file))
                .expect("the parts are committed");
        }
        for name in ["weir.toml", "effects.toml"] {
            let text = std::fs::read_to_string(example.join(name)).expect("it is committed");
            let text = self.instead(&text);
            let text = match name {
                "effects.toml" => text.replace("] }", "], private = true }"),
                _ => text,
            };
            std::fs::write(folder.path().join(name), text).expect("a writable folder");
        }
        folder
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let (status, body) = match &*request {
        "GET /v1/latest?base=EUR&symbols=USD HTTP/1.1" => (
            "200 OK",
            r#"{"amount":1.0,"base":"EUR","date":"2026-11-25","rates":{"USD":1.0842}}"#,
        ),
        _ => ("404 Not Found", r#"{"message":"not found"}"#),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
