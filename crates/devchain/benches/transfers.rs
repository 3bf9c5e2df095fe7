//! How many transfers of an ERC-20 token a second: through the chain alone, through JSON-RPC, and through anvil's.
//!
//! `cargo bench --profile release -p weir-devchain` prints one line for each figure of `docs/benchmarks.md`. The anvil
//! is the one that `WEIR_ANVIL` names.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alloy::consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718 as _;
use alloy::primitives::{Address, Bytes, TxKind, U64, U256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol;
use alloy::sol_types::{SolCall as _, SolValue as _};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use weir_devchain::{Chain, Config, DevChain, Signed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

sol! {
    function faucet(address to, uint256 amount) external;
    function transfer(address to, uint256 amount) external returns (bool);
}

const SENDERS: u64 = 64;
const TRANSFERS: u64 = 20_000;

/// Transfers through anvil, which takes longer.
const TRANSFERS_ANVIL: usize = 2_000;

/// Requests under way at one time.
const UNDER_WAY: usize = 512;

fn report(what: &str, figure: &str, goal: &str) {
    println!("bench: devchain: {what} | {figure} | {goal}");
}

fn key(number: u64) -> PrivateKeySigner {
    let mut secret = [1; 32];
    secret[24..].copy_from_slice(&(number + 1).to_be_bytes());
    PrivateKeySigner::from_slice(&secret).expect("a small number is a key")
}

fn signed(from: u64, nonce: u64, to: TxKind, input: Vec<u8>, gas: u64) -> Bytes {
    let tx = TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: gas,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        input: input.into(),
        ..TxEip1559::default()
    };
    let signature = key(from).sign_hash_sync(&tx.signature_hash());
    let tx: TxEnvelope = tx.into_signed(signature.expect("it can sign")).into();
    tx.encoded_2718().into()
}

/// The token, and tokens for each sender.
fn preparation() -> Vec<Bytes> {
    let path = format!(
        "{}/../../contracts/artifacts/TestToken.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("it is part of the repository");
    let artifact: Value = serde_json::from_str(&text).expect("it is JSON");
    let code = artifact["bytecode"].as_str().expect("it has code");
    let mut code = code.parse::<Bytes>().expect("it is hexadecimal").to_vec();
    code.extend(("Test".to_owned(), "TEST".to_owned()).abi_encode_params());
    let mut all = vec![signed(0, 0, TxKind::Create, code, 3_000_000)];
    for number in 0..SENDERS {
        let call = faucetCall {
            to: key(number).address(),
            amount: U256::from(1_000_000),
        };
        all.push(signed(
            0,
            number + 1,
            TxKind::Call(token()),
            call.abi_encode(),
            100_000,
        ));
    }
    all
}

fn token() -> Address {
    key(0).address().create(0)
}

fn nonce_before(sender: u64) -> u64 {
    if sender == 0 { SENDERS + 1 } else { 0 }
}

fn transfers() -> Vec<Bytes> {
    let all = 0..TRANSFERS;
    all.map(|number| {
        let sender = number % SENDERS;
        let call = transferCall {
            to: key((sender + 1) % SENDERS).address(),
            amount: U256::from(1),
        };
        let nonce = nonce_before(sender) + number / SENDERS;
        signed(
            sender,
            nonce,
            TxKind::Call(token()),
            call.abi_encode(),
            60_000,
        )
    })
    .collect()
}

fn config(path: Option<&std::path::Path>) -> Config {
    let accounts = (0..SENDERS).map(|number| (key(number).address(), gold()));
    Config {
        path: path.map(|folder| folder.join("chain")),
        accounts: accounts.collect(),
        ..Config::default()
    }
}

fn gold() -> U256 {
    U256::from(10).pow(U256::from(24))
}

fn rate(count: usize, elapsed: Duration) -> String {
    format!("{:.0}/s", count as f64 / elapsed.as_secs_f64())
}

fn core(path: Option<&std::path::Path>, transfers: &[Bytes]) -> Duration {
    let mut chain = Chain::open(config(path), 1_000).expect("it is new");
    let mut submit = |raw: &[Bytes]| {
        let all = raw.iter().map(|raw| Signed::decode(raw, 1 << 17));
        let all = all.map(|one| one.expect("it is signed")).collect();
        for taken in chain.submit(all, 1_000) {
            taken.expect("it is taken");
        }
    };
    submit(&preparation());
    let from = Instant::now();
    transfers.chunks(UNDER_WAY).for_each(submit);
    let elapsed = from.elapsed();
    let sent: u64 = (0..SENDERS)
        .map(|number| chain.pending_nonce(key(number).address()) - nonce_before(number))
        .sum();
    assert_eq!(sent, TRANSFERS);
    assert_eq!(chain.pool().len(), 0);
    elapsed
}

async fn through_rpc(url: &str, transfers: &[Bytes]) -> Duration {
    let client = ProviderBuilder::new().connect(url).await;
    let client = client.expect("it listens").erased();
    let send = |raw: Bytes| {
        let client = client.clone();
        async move {
            let params = (raw,);
            client
                .raw_request::<_, Value>("eth_sendRawTransaction".into(), params)
                .await
        }
    };
    for number in 0..SENDERS {
        let params = json!([key(number).address(), gold()]);
        let set = client.raw_request::<_, Value>("anvil_setBalance".into(), params);
        set.await.expect("it has the method");
    }
    for raw in preparation() {
        send(raw).await.expect("it is taken");
    }
    // Until the nonces of all senders are those after so many transfers.
    let mined = |count: u64| {
        let client = client.clone();
        async move {
            for number in 0..SENDERS {
                let sent = (count + SENDERS - 1 - number) / SENDERS;
                let wanted = nonce_before(number) + sent;
                loop {
                    let params = (key(number).address(), "latest");
                    let found = client.raw_request("eth_getTransactionCount".into(), params);
                    let found: U64 = found.await.expect("it answers");
                    if found.to::<u64>() >= wanted {
                        break;
                    }
                }
            }
        }
    };
    mined(0).await;
    let from = Instant::now();
    let sent = futures::stream::iter(transfers.iter().cloned().map(send));
    let sent = sent.buffer_unordered(UNDER_WAY);
    let sent: Vec<Value> = sent.try_collect().await.expect("all are taken");
    mined(transfers.len() as u64).await;
    let elapsed = from.elapsed();
    assert_eq!(sent.len(), transfers.len());
    elapsed
}

fn main() {
    let transfers = transfers();
    let folder = tempfile::tempdir().expect("a folder");
    let (memory, file) = (
        core(None, &transfers),
        core(Some(folder.path()), &transfers),
    );
    report(
        "ERC-20 transfers, the chain alone, in memory",
        &rate(transfers.len(), memory),
        "",
    );
    report(
        "ERC-20 transfers, the chain alone, in a file",
        &rate(transfers.len(), file),
        "",
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("threads can be started");
    let folder = tempfile::tempdir().expect("a folder");
    let elapsed = runtime.block_on(async {
        let chain = DevChain::open(config(Some(folder.path()))).expect("it is new");
        let server = chain.serve(([127, 0, 0, 1], 0).into()).await;
        let server = server.expect("there is a free port");
        let elapsed = through_rpc(&server.url().replace("http", "ws"), &transfers).await;
        server.stop().await;
        elapsed
    });
    report(
        "ERC-20 transfers, JSON-RPC over WebSocket, in a file",
        &rate(transfers.len(), elapsed),
        "at least 2,000/s",
    );
    let Some(path) = std::env::var_os("WEIR_ANVIL") else {
        eprintln!("skipped: WEIR_ANVIL names no anvil to compare with");
        return;
    };
    let mut anvil = Command::new(path)
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is a program");
    let mut lines = BufReader::new(anvil.stdout.take().expect("it is piped")).lines();
    let address = lines.find_map(|line| {
        let line = line.expect("it writes text");
        Some(line.strip_prefix("Listening on ")?.to_owned())
    });
    std::thread::spawn(move || lines.for_each(drop));
    let url = format!("ws://{}", address.expect("it says where it listens"));
    let elapsed = runtime.block_on(through_rpc(&url, &transfers[..TRANSFERS_ANVIL]));
    let figure = rate(TRANSFERS_ANVIL, elapsed);
    report("anvil: the same, 2,000 of them, in memory", &figure, "peer");
    let _ = anvil.kill();
    let _ = anvil.wait();
}
