//! Gateways over HTTP that stall, lie, cut short, redirect and send without end.

#[path = "fuzz_targets/targets.rs"]
#[allow(dead_code, reason = "the fuzz targets are not used here")]
mod targets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weir_identity::Cid;
use weir_package::http::{Gateway, public_tls};
use weir_package::{Limits, Memory, Source, SourceError, fetch};

/// What the server does with a request.
enum Act {
    /// Sends these bytes and closes.
    Send(Vec<u8>),
    /// Says nothing until the other side gives up.
    Stall,
    /// Begins a body without end.
    Flood,
}

/// A server that acts as the function says of each path.
async fn server(act: impl Fn(&str) -> Act + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let act = Arc::new(act);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let act = Arc::clone(&act);
            tokio::spawn(async move { serve(stream, &*act).await });
        }
    });
    format!("http://{address}")
}

async fn serve(mut stream: TcpStream, act: &(impl Fn(&str) -> Act + Sync)) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    assert!(
        head.to_lowercase().contains("\r\nhost: 127.0.0.1:"),
        "{head}"
    );
    let path = head.split(' ').nth(1).unwrap_or_default();
    match act(path) {
        Act::Send(bytes) => stream.write_all(&bytes).await?,
        Act::Stall => {
            stream.read_u8().await?;
        }
        Act::Flood => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b"400\r\n").await?;
                stream.write_all(&[b'x'; 1024]).await?;
                stream.write_all(b"\r\n").await?;
            }
        }
    }
    stream.shutdown().await
}

fn respond(status: &str, headers: &str, body: &[u8]) -> Act {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    Act::Send([head.as_bytes(), body].concat())
}

fn gateway(base: &str) -> Gateway {
    Gateway::trustless(base, public_tls().unwrap()).unwrap()
}

async fn ask(gateway: &Gateway) -> Result<String, SourceError> {
    let bytes = gateway.ask(&Cid::of_raw(b"block"), 5).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_package_comes_over_http() {
    let built = targets::sample();
    let blocks: BTreeMap<String, Vec<u8>> = built
        .blocks()
        .iter()
        .map(|it| {
            (
                format!("/ipfs/{}?format=raw", it.cid()),
                it.bytes().to_vec(),
            )
        })
        .collect();
    let honest = server(move |path| match blocks.get(path) {
        Some(bytes) => respond("200 OK", "", bytes),
        None => respond("404 Not Found", "", b""),
    });
    let liar = server(|_| respond("200 OK", "", b"<html>busy</html>"));
    let (liar, honest) = (gateway(&liar.await), gateway(&honest.await));
    let mut store = Memory::default();
    let sources: [&dyn Source; 2] = [&liar, &honest];
    let package = fetch(built.cid(), Limits::default(), &sources, &mut store, |_| {});
    assert_eq!(package.await.unwrap().root(), built.root());
}

#[tokio::test]
async fn arweave_serves_blocks_below_the_transaction_of_the_package() {
    let transaction = "T".repeat(43);
    let path = format!("/{transaction}/{}", Cid::of_raw(b"block"));
    let base = server(move |asked| {
        assert_eq!(asked, path);
        respond("200 OK", "", b"block")
    });
    let gateway = Gateway::arweave(&base.await, &transaction, public_tls().unwrap()).unwrap();
    assert_eq!(ask(&gateway).await.as_deref(), Ok("block"));
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_left_after_the_deadline() {
    let deadline = Duration::from_millis(50);
    let stalls = gateway(&server(|_| Act::Stall).await).with_deadline(deadline);
    assert_eq!(ask(&stalls).await, Err(SourceError::TimedOut(50)));
    // The head and a part of the body, then nothing: the other side closes, and the answer is not complete.
    let cut = || Act::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nblo".to_vec());
    let cut = gateway(&server(move |_| cut()).await);
    let error = ask(&cut).await.unwrap_err().to_string();
    assert!(error.contains("broke off"), "{error}");
}

#[tokio::test]
async fn no_more_is_read_than_a_block_may_have() {
    let floods = gateway(&server(|_| Act::Flood).await);
    assert_eq!(ask(&floods).await, Err(SourceError::TooLarge(5)));
    let declares = gateway(&server(|_| respond("200 OK", "", b"blocks")).await);
    assert_eq!(ask(&declares).await, Err(SourceError::TooLarge(5)));
    // A head without end.
    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(200_000));
    let heads = gateway(&server(move |_| Act::Send(head.clone().into_bytes())).await);
    assert!(matches!(ask(&heads).await, Err(SourceError::Failed(_))));
}

#[tokio::test]
async fn what_a_gateway_says_is_told() {
    let missing = gateway(&server(|_| respond("404 Not Found", "", b"")).await);
    assert_eq!(ask(&missing).await, Err(SourceError::NotFound));
    let busy = gateway(&server(|_| respond("503 Service Unavailable", "", b"")).await);
    let error = ask(&busy).await.unwrap_err().to_string();
    assert!(error.contains("503 Service Unavailable"), "{error}");
    let garbage = gateway(&server(|_| Act::Send(b"SSH-2.0\r\n\r\n".to_vec())).await);
    assert!(matches!(ask(&garbage).await, Err(SourceError::Failed(_))));
    let closed = {
        TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
    };
    let error = ask(&gateway(&format!("http://{closed}")))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot be connected to"), "{error}");
}

#[tokio::test]
async fn redirects_are_few_and_stay_with_the_gateway() {
    let to = |target: &str| respond("302 Found", &format!("location: {target}\r\n"), b"");
    // As many as are allowed: /ipfs/CID, /1, /2, /3.
    let chain = move |path: &str| match path {
        "/1" => to("/2"),
        "/2" => to("/3"),
        "/3" => respond("200 OK", "", b"block"),
        _ => to("/1"),
    };
    assert_eq!(
        ask(&gateway(&server(chain).await)).await.as_deref(),
        Ok("block")
    );
    for (target, words) in [
        ("/ipfs/again", "more than 3 times"),
        ("http://127.0.0.2/", "neither its host nor below it"),
        (
            "http://169.254.169.254/latest",
            "neither its host nor below it",
        ),
        ("https://evil.example/", "neither its host nor below it"),
        ("http://127.0.0.1:1/", "another scheme or port"),
        ("file:///etc/passwd", "neither its host nor below it"),
        ("http://[", "is no URL"),
    ] {
        let error = ask(&gateway(&server(move |_| to(target)).await))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{target}: {error}");
    }
    let nowhere = gateway(&server(|_| respond("301 Moved Permanently", "", b"")).await);
    let error = ask(&nowhere).await.unwrap_err().to_string();
    assert!(error.contains("redirects to nowhere"), "{error}");
}

#[test]
fn what_is_no_gateway_is_refused() {
    for wrong in [
        "",
        "gateway.example",
        "ftp://a.b",
        "https://u:p@a.b",
        "https://a.b/?x=1",
        "https://a.b/#f",
    ] {
        let error = Gateway::trustless(wrong, public_tls().unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains("https://gateway.example"), "{error}");
    }
    let gateway = Gateway::trustless("https://a.b/below", public_tls().unwrap()).unwrap();
    assert_eq!(Source::name(&gateway), "gateway https://a.b/below");
}
