//! What strangers and broken clients may send: each gets an answer that says what is wrong, and the chain goes on.

use std::time::Duration;

use alloy::primitives::{Address, U256};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use weir_devchain::{Config, DevChain, Limits, Server};

const PATIENCE: Duration = Duration::from_secs(60);

async fn serve(limits: Limits) -> (DevChain, Server) {
    let chain = DevChain::open(Config {
        accounts: vec![(Address::repeat_byte(1), U256::from(1))],
        limits,
        ..Config::default()
    });
    let chain = chain.expect("it needs nothing");
    let server = chain.serve(([127, 0, 0, 1], 0).into()).await;
    (chain, server.expect("there is a free port"))
}

/// Sends a request as it is; the status and all that comes back.
async fn send(server: &Server, head: &str, body: &[u8]) -> (u16, String) {
    let exchange = async {
        let mut stream = TcpStream::connect(server.address())
            .await
            .expect("it listens");
        let head = format!(
            "{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("it reads");
        // It may answer, and stop reading, before all is sent.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await;
    let answer = answer.expect("it answers in time");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.unwrap_or_else(|| panic!("{answer:?}")), answer)
}

const POST: &str = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";

async fn post(server: &Server, body: &str) -> Value {
    let (_, answer) = send(server, POST, body.as_bytes()).await;
    let (_, body) = answer.split_once("\r\n\r\n").expect("it has a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

async fn is_alive(server: &Server) {
    let ask = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
    assert_eq!(post(server, ask).await["result"], "0x7a69");
}

#[tokio::test]
async fn text_that_is_no_request_is_an_error() {
    let (_chain, server) = serve(Limits::default()).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, code) in [
        ("", -32_700),
        ("{", -32_700),
        ("\0\0\0", -32_700),
        ("null", -32_600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32_600),
        ("[]", -32_600),
    ] {
        let answer = post(&server, body).await;
        let found = answer["error"]["code"].as_i64();
        assert!(
            found == Some(code) || found == Some(-32_700),
            "{body}: {answer}"
        );
    }
    let answer = post(&server, &deep).await;
    assert!(
        answer["error"].is_object() || answer[0]["error"].is_object(),
        "{answer}"
    );
    is_alive(&server).await;
}

#[tokio::test]
async fn a_method_that_is_not_there_is_named_alone_and_in_a_batch() {
    let (_chain, server) = serve(Limits::default()).await;
    let ask =
        |method: &str| json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": [] });
    let answer = post(&server, &ask("eth_getProof").to_string()).await;
    assert_eq!(answer["error"]["code"], -32_601, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("eth_getProof"), "{message}");
    let batch = json!([ask("eth_chainId"), ask("debug_x"), ask("net_version")]);
    let answer = post(&server, &batch.to_string()).await;
    assert_eq!(answer[0]["result"], "0x7a69");
    assert_eq!(answer[1]["id"], "debug_x");
    assert_eq!(answer[1]["error"]["code"], -32_601, "{answer}");
    assert_eq!(answer[2]["result"], "31337");
}

#[tokio::test]
async fn limits_are_kept_and_named() {
    let (_chain, server) = serve(Limits {
        batch: 10,
        request_bytes: 10_000,
        filters: 2,
        log_blocks: 3,
        mine_blocks: 5,
        ..Limits::default()
    })
    .await;
    let ask = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let batch = Value::from(vec![ask("eth_chainId", json!([])); 11]);
    let answer = post(&server, &batch.to_string()).await;
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("too large"),
        "{answer}"
    );
    let (status, answer) = send(&server, POST, &vec![b' '; 20_000]).await;
    assert!(status == 413 || answer.contains("too big"), "{answer}");

    let refused = |method: &'static str, params: Value| {
        let body = ask(method, params).to_string();
        let server = &server;
        async move {
            let answer = post(server, &body).await;
            assert_eq!(answer["error"]["code"], -32_005, "{method}: {answer}");
            answer["error"]["message"].as_str().unwrap().to_owned()
        }
    };
    for _ in 0..2 {
        post(&server, &ask("eth_newBlockFilter", json!([])).to_string()).await;
    }
    let error = refused("eth_newBlockFilter", json!([])).await;
    assert!(error.contains("2 filters"), "{error}");
    let error = refused("anvil_mine", json!(["0x6"])).await;
    assert!(error.contains("limit of 5"), "{error}");
    post(&server, &ask("anvil_mine", json!(["0x5"])).to_string()).await;
    let all = json!([{ "fromBlock": "0x0" }]);
    let error = refused("eth_getLogs", all).await;
    assert!(error.contains("block range: 3"), "{error}");
    is_alive(&server).await;
}

#[tokio::test]
async fn pages_of_strangers_do_not_get_in() {
    let (_chain, server) = serve(Limits::default()).await;
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
    let head =
        |lines: &str| format!("POST / HTTP/1.1\r\n{lines}\r\nContent-Type: application/json");
    for (lines, status) in [
        ("Host: localhost:1234", 200),
        ("Host: 127.0.0.1", 200),
        ("Host: rebound.example", 403),
        ("Host: localhost.example:80", 403),
        ("Host: localhost\r\nOrigin: http://localhost:3000", 200),
        ("Host: localhost\r\nOrigin: https://stranger.example", 403),
        ("Host: localhost\r\nOrigin: null", 403),
    ] {
        let (found, answer) = send(&server, &head(lines), body).await;
        assert_eq!(found, status, "{lines}: {answer}");
    }
    let asks = "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n\
        Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type";
    let (status, answer) = send(&server, asks, b"").await;
    assert_eq!(status, 200, "{answer}");
    let answer = answer.to_lowercase();
    assert!(
        answer.contains("access-control-allow-origin: http://localhost:3000"),
        "{answer}"
    );
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://stranger.example\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let (status, _) = send(&server, upgrade, b"").await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn arguments_of_any_kind_are_answered() {
    let (_chain, server) = serve(Limits::default()).await;
    let methods = [
        "web3_sha3",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByNumber",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_feeHistory",
        "eth_getBalance",
        "eth_getCode",
        "eth_getStorageAt",
        "eth_getTransactionCount",
        "eth_call",
        "eth_estimateGas",
        "eth_sendRawTransaction",
        "eth_getLogs",
        "eth_newFilter",
        "eth_getFilterChanges",
        "eth_getFilterLogs",
        "eth_uninstallFilter",
        "evm_increaseTime",
        "evm_setNextBlockTimestamp",
        "evm_mine",
        "evm_revert",
        "evm_setAutomine",
        "evm_setIntervalMining",
        "anvil_setBalance",
        "anvil_setNonce",
        "anvil_setCode",
        "anvil_setStorageAt",
    ];
    let huge = format!("0x{}", "f".repeat(64));
    let address = Address::repeat_byte(1);
    let arguments = [
        json!([]),
        json!([null, null, null]),
        json!({}),
        json!(["0xzz"]),
        json!(["0x"]),
        json!([-1]),
        json!([1.5]),
        json!([[], {}]),
        json!([huge, huge, huge]),
        json!([address, huge, huge]),
        json!([address, "0x0", "sometime"]),
        json!([address, { "blockHash": huge }]),
        json!([{ "to": address, "data": "0x00", "input": "0x01" }]),
        json!([{ "to": address, "gas": huge, "gasPrice": huge, "value": huge }]),
        json!([{ "from": address, "value": huge, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2" }]),
        json!([{ "fromBlock": "0xff", "toBlock": "0x1" }]),
        json!([{ "fromBlock": "0x0", "blockHash": huge }]),
        json!([{ "topics": [[[]]] }]),
        json!(["0xffffffffffffffff", "0xffffffffffffffff", [101, -1]]),
        json!(["0x02f8"]),
        json!(["0x03f8018080"]),
    ];
    for method in methods {
        for params in &arguments {
            let ask = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
            let answer = post(&server, &ask.to_string()).await;
            assert_eq!(answer["id"], 7, "{method} {params}: {answer}");
            if let Some(error) = answer.get("error") {
                // An internal error would be a mistake of the server.
                assert_ne!(error["code"], -32_603, "{method} {params}: {answer}");
                assert_ne!(error["message"], "", "{method} {params}: {answer}");
            }
        }
    }
    is_alive(&server).await;
}

#[tokio::test]
async fn a_server_that_stops_lets_the_address_go_and_the_chain_stays() {
    let (chain, server) = serve(Limits::default()).await;
    chain
        .with(weir_devchain::Chain::mine)
        .expect("memory does not fail");
    let address = server.address();
    server.stop().await;
    let again = chain.serve(address).await.expect("the address is free");
    let ask = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;
    assert_eq!(post(&again, ask).await["result"], "0x1");
    let taken = chain.serve(address).await.expect_err("it is in use");
    assert!(taken.to_string().contains("cannot listen at"), "{taken}");
}
