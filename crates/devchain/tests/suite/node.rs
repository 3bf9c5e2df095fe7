//! A node under test, and ways to talk to it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use serde_json::{Value, json};
use weir_devchain::{Config, DevChain, Server};

/// Keys of accounts that have money, those that anvil has too.
const KEYS: [&str; 3] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A node, until this is dropped.
pub struct Node {
    pub http: String,
    pub ws: String,
    running: Running,
}

#[expect(dead_code, reason = "held until the test ends")]
enum Running {
    Embedded(Server, DevChain),
    Anvil(Process),
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One of the accounts with money.
pub fn signer(number: usize) -> PrivateKeySigner {
    KEYS[number].parse().expect("it is a key")
}

/// Its address.
pub fn account(number: usize) -> Address {
    signer(number).address()
}

/// Ether in wei.
pub fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(18))
}

impl Node {
    /// The embedded chain.
    pub async fn embedded() -> Self {
        let accounts = (0..KEYS.len()).map(|number| (account(number), ether(10_000)));
        let chain = DevChain::open(Config {
            accounts: accounts.collect(),
            ..Config::default()
        })
        .expect("it needs nothing");
        let server = chain.serve(([127, 0, 0, 1], 0).into()).await;
        let server = server.expect("there is a free port");
        Node {
            http: server.url(),
            ws: server.url().replace("http", "ws"),
            running: Running::Embedded(server, chain),
        }
    }

    /// A real anvil, if there is one.
    pub async fn anvil() -> Option<Self> {
        let Some(path) = anvil_path() else {
            let what = "no anvil: `npm install` in contracts/, or name one in WEIR_ANVIL";
            assert!(std::env::var_os("WEIR_ANVIL_REQUIRED").is_none(), "{what}");
            eprintln!("skipped: {what}");
            return None;
        };
        let mut child = Command::new(path)
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is a program");
        let stdout = child.stdout.take().expect("it is piped");
        let process = Process(child);
        let address = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(stdout).lines();
            let found = lines.find_map(|line| {
                let line = line.expect("it writes text");
                Some(line.strip_prefix("Listening on ")?.to_owned())
            });
            // It goes on writing, and must not wait for a reader.
            std::thread::spawn(move || lines.for_each(drop));
            found
        });
        let address = tokio::time::timeout(PATIENCE, address).await;
        let address = address.expect("it starts in time").expect("no panic");
        let address = address.expect("it says where it listens");
        Some(Node {
            http: format!("http://{address}"),
            ws: format!("ws://{address}"),
            running: Running::Anvil(process),
        })
    }

    /// Whether it is the embedded chain, for the few things that anvil does otherwise.
    pub fn is_embedded(&self) -> bool {
        matches!(self.running, Running::Embedded(..))
    }

    /// A client over HTTP that signs for one of the accounts.
    pub fn client(&self, number: usize) -> DynProvider {
        let url = self.http.parse().expect("it is an address");
        let provider = ProviderBuilder::new()
            .wallet(EthereumWallet::new(signer(number)))
            .connect_http(url);
        provider
            .client()
            .set_poll_interval(Duration::from_millis(20));
        provider.erased()
    }

    /// A client over WebSocket.
    pub async fn watcher(&self) -> DynProvider {
        let provider = ProviderBuilder::new().connect(&self.ws).await;
        provider.expect("it listens").erased()
    }

    /// Asks for something; `Err` is the error of the answer.
    pub async fn ask(&self, method: &'static str, params: Value) -> Result<Value, Value> {
        let client = self.client(0);
        match client.raw_request(method.into(), &params).await {
            Ok(value) => Ok(value),
            Err(error) => {
                let error = error.as_error_resp().expect("it answers").clone();
                let data = error.data.map(|data| data.get().to_owned());
                let data = data.map(|data| serde_json::from_str::<Value>(&data).expect("JSON"));
                Err(json!({ "code": error.code, "message": error.message, "data": data }))
            }
        }
    }

    /// Asks for something that there is.
    pub async fn get(&self, method: &'static str, params: Value) -> Value {
        let answer = self.ask(method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The message of an error.
    pub async fn refused(&self, method: &'static str, params: Value) -> String {
        let error = self.ask(method, params).await.expect_err(method);
        error["message"].as_str().expect("a text").to_owned()
    }
}

fn anvil_path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("WEIR_ANVIL") {
        return Some(path.into());
    }
    let modules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/node_modules");
    let found = std::fs::read_dir(modules.join("@foundry-rs")).ok()?;
    let binaries = found.filter_map(|entry| Some(entry.ok()?.path().join("bin/anvil")));
    let mut binaries = binaries.filter(|path| path.is_file());
    binaries.next()
}

/// A number out of text in hexadecimal.
pub fn number(value: &Value) -> u64 {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"));
    let digits = text.strip_prefix("0x").expect("hexadecimal");
    u64::from_str_radix(digits, 16).expect("hexadecimal")
}
