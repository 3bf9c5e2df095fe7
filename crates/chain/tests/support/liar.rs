//! An endpoint that passes requests on to an honest one, or lies.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the endpoint does with requests of a method; none for all methods.
#[derive(Debug, Clone)]
pub(crate) enum Lie {
    /// Passes all on.
    Honest,
    /// Never answers.
    Stall(Option<&'static str>),
    /// Closes the connection, without having passed the request on.
    Drop(Option<&'static str>),
    /// Passes it on, and closes the connection instead of answering.
    Lose(&'static str),
    /// Answers with what is not JSON.
    Babble,
    /// Begins an answer of so many bytes.
    Flood(u64),
    /// Says that it has too much to do.
    Busy,
    /// Answers with something else.
    Say(&'static str, Value),
    /// Passes all on to the endpoint of another chain.
    Elsewhere(String),
}

/// An endpoint at a port of its own, until the runtime ends.
pub(crate) struct Liar {
    pub(crate) url: String,
    lie: Arc<Mutex<Lie>>,
}

impl Liar {
    pub(crate) async fn before(honest: &str, lie: Lie) -> Self {
        let honest = host(honest).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let lie = Arc::new(Mutex::new(lie));
        let now = Arc::clone(&lie);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let lie = now.lock().expect("nobody panics with it").clone();
                let honest = honest.clone();
                tokio::spawn(async move { serve(connection, &honest, &lie).await });
            }
        });
        Self { url, lie }
    }

    pub(crate) fn now(&self, lie: Lie) {
        *self.lie.lock().expect("nobody panics with it") = lie;
    }
}

/// Host and port of a URL.
fn host(url: &str) -> &str {
    let host = url.strip_prefix("http://").expect("it is HTTP");
    host.trim_end_matches('/')
}

/// Answers one request. Each has a connection of its own.
async fn serve(mut connection: TcpStream, honest: &str, lie: &Lie) -> Option<()> {
    let request = read(&mut connection).await?;
    let asked: Value = serde_json::from_slice(&request).ok()?;
    let concerns = |method: &&str| asked["method"] == **method;
    match lie {
        Lie::Stall(method) if method.as_ref().is_none_or(concerns) => std::future::pending().await,
        Lie::Drop(method) if method.as_ref().is_none_or(concerns) => None,
        Lie::Lose(method) if concerns(method) => {
            ask(honest, &request).await?;
            None
        }
        Lie::Babble => answer(&mut connection, b"<html>try later</html>").await,
        Lie::Flood(length) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n[");
            connection.write_all(head.as_bytes()).await.ok()?;
            std::future::pending().await
        }
        Lie::Busy => {
            let head =
                "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            connection.write_all(head.as_bytes()).await.ok()
        }
        Lie::Say(method, result) if concerns(method) => {
            let body = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
            answer(&mut connection, body.to_string().as_bytes()).await
        }
        Lie::Elsewhere(url) => {
            let body = ask(host(url), &request).await?;
            answer(&mut connection, &body).await
        }
        _ => {
            let body = ask(honest, &request).await?;
            answer(&mut connection, &body).await
        }
    }
}

/// The body of a message with a length.
async fn read(connection: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = vec![0; 65_536];
        let count = connection.read(&mut piece).await.ok()?;
        bytes.extend_from_slice(piece.get(..count)?);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))?;
            let length: usize = length.trim().parse().ok()?;
            if bytes.len() >= end + 4 + length {
                return Some(bytes[end + 4..end + 4 + length].to_vec());
            }
        }
        if count == 0 {
            return None;
        }
    }
}

async fn ask(honest: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut connection = TcpStream::connect(honest).await.ok()?;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {honest}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: \
         close\r\n\r\n",
        request.len()
    );
    connection
        .write_all(&[head.as_bytes(), request].concat())
        .await
        .ok()?;
    read(&mut connection).await
}

async fn answer(connection: &mut TcpStream, body: &[u8]) -> Option<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection
        .write_all(&[head.as_bytes(), body].concat())
        .await
        .ok()?;
    connection.shutdown().await.ok()
}
