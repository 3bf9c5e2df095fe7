//! The market of a local network, with people who act without commands.

use alloy_primitives::{Address, B256, Bytes, Uint};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use weir_chain::bindings::Market;
use weir_chain::{Client, Deployment, MemoryJournal, Sender, Terms};
use weir_identity::{Keypair, keccak256};

use super::weir;

/// A token, in its smallest unit.
pub const TOKEN: u128 = 1_000_000_000_000_000_000;

/// The market of a network with people who act without commands.
pub struct Town {
    pub client: Client,
    pub deployment: Deployment,
    pub worker_key: Keypair,
}

pub fn account(name: &str) -> Keypair {
    let secret = keccak256(&[b"weir development account ", name.as_bytes()]);
    Keypair::from_secret(secret.as_bytes()).expect("it is a key")
}

pub fn address(key: &Keypair) -> Address {
    Address::from(key.address().to_bytes())
}

impl Town {
    pub fn of(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join(".weir/market.json")).expect("it is kept");
        let file: Value = serde_json::from_str(&text).expect("it is JSON");
        let deployment: Deployment =
            serde_json::from_value(file["deployment"].clone()).expect("it is a deployment");
        let url = file["url"].as_str().expect("it is text").to_owned();
        let client = Client::new(&[url], deployment.chain_id).expect("it can be asked");
        Self {
            client,
            deployment,
            worker_key: account("a worker"),
        }
    }

    pub fn sender(&self, name: &str) -> Sender {
        let terms = Terms {
            gas_cap: alloy_primitives::U256::MAX,
            ..Terms::default()
        };
        let journal = Arc::new(MemoryJournal::default());
        Sender::new(self.client.clone(), &account(name), journal, terms).expect("it is a key")
    }

    /// A deal of one worker for a token an epoch.
    pub fn order(&self) -> Market::DealInput {
        Market::DealInput {
            payToken: self.deployment.pay_token,
            price: Uint::from(TOKEN),
            cuPerWorker: 2,
            minWorkers: 1,
            targetWorkers: 1,
            maxPerProvider: 1,
            noticeEpochs: 2,
            minTermEpochs: 1,
            minCollateral: Uint::ZERO,
            verReq: 1,
            openMatch: false,
            caps: Vec::new(),
            accessKind: 0,
            accessList: Vec::new(),
            callersRoot: B256::ZERO,
            cid: Bytes::from_static(b"code"),
            moduleSetHash: B256::repeat_byte(7),
        }
    }

    /// Creates a deal as the customer.
    pub async fn create(&self, customer: &Sender, order: Market::DealInput, deposit: u128) {
        let (token, market) = (order.payToken, self.deployment.market);
        let amount = alloy_primitives::U256::from(deposit);
        let approve = self.deployment.approve(token, market, amount);
        let create = self.deployment.create_deal(order, deposit);
        let key = format!("{:?}", create.hash());
        let sent = customer.send(&format!("approve/{key}"), &approve).await;
        sent.expect("it has tokens");
        customer.send(&key, &create).await.expect("it is a deal");
    }

    /// A deal of the buyer, the first one, has a worker on a peer of the provider, which serves for three epochs, each
    /// of them proven.
    pub async fn serve(&self, folder: &Path, (buyer, provider): (&Sender, &Sender), peer: Address) {
        pass(folder, "1m");
        self.create(buyer, self.order(), 30 * TOKEN).await;
        let entry = Market::Entry { peer, firstUnit: 0 };
        let matched = self.deployment.match_deal(1, vec![entry], Vec::new(), true);
        buyer.send("match", &matched).await.expect("it fits");
        let market = self.client.market(&self.deployment);
        let worker = market.worker_of(1, peer).await.expect("it has a place");
        let signature = self.deployment.worker_signature(worker, &self.worker_key);
        let key = address(&self.worker_key);
        let activate = self.deployment.activate_worker(worker, key, signature);
        let sent = provider.send("activate", &activate).await;
        sent.expect("it is its place");
        pass(folder, "1m");
        for _ in 0..3 {
            pass(folder, "1m");
            self.prove(provider, peer).await;
        }
    }

    pub async fn epoch(&self) -> u32 {
        let market = self.client.market(&self.deployment);
        market.time().await.expect("the chain answers").epoch
    }

    /// Proves the epoch that ended last.
    pub async fn prove(&self, provider: &Sender, peer: Address) {
        let epoch = self.epoch().await - 1;
        let root = B256::with_last_byte(1);
        let (token, none) = (self.deployment.pay_token, Vec::new());
        let commit = self
            .deployment
            .commit_receipts(peer, epoch, token, (root, 0), none);
        let sent = provider.send(&format!("receipts/{epoch}"), &commit).await;
        sent.expect("it is in time");
    }
}

pub fn pass(folder: &Path, time: &str) {
    weir(folder, &["chain", "warp", time, "--json"]).data();
}

/// What the steps or waits of a report are about.
pub fn what(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("it is a list");
    list.iter()
        .map(|step| step["what"].as_str().expect("it is text"))
        .collect()
}

pub fn tokens(amount: &Value) -> u128 {
    amount
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("an amount is text")
}
