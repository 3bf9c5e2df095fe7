//! Transactions are sent once, whatever happens in between.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use support::liar::{Liar, Lie};
use support::{CHAIN_ID, Chain, Town, address, anvil, fund, key, terms};
use tokio::sync::watch;
use weir_chain::{
    Call, ChainError, Client, Journal, MemoryJournal, Sender, Sent, Spent, Terms,
    deploy_for_development,
};

const SEND: &str = "eth_sendRawTransaction";

/// Somebody with coins, and a journal that outlives the sender.
struct Somebody {
    number: u8,
    journal: Arc<MemoryJournal>,
}

impl Somebody {
    async fn new(town: &Town, number: u8) -> Self {
        fund(&town.client, address(&key(number))).await;
        Self {
            number,
            journal: Arc::default(),
        }
    }

    fn account(&self) -> Address {
        address(&key(self.number))
    }

    /// A sender by an endpoint, as a process has it that was just started.
    fn by(&self, url: &str, terms: Terms) -> Sender {
        let deadline = Duration::from_secs(2);
        let client =
            Client::with_deadline(&[url.to_owned()], CHAIN_ID, deadline).expect("the URL is good");
        Sender::new(client, &key(self.number), self.journal.clone(), terms)
            .expect("the key is good")
    }

    async fn tokens(&self, town: &Town) -> U256 {
        let market = town.client.market(&town.deployment);
        market
            .tokens(town.deployment.pay_token, self.account())
            .await
            .expect("it is read")
    }

    /// How many transactions of the account are in blocks.
    async fn sent(&self, town: &Town) -> u64 {
        town.client
            .provider()
            .get_transaction_count(self.account())
            .await
            .expect("it is read")
    }

    fn faucet(&self, town: &Town, amount: u64) -> Call {
        Call::faucet(
            town.deployment.pay_token,
            self.account(),
            U256::from(amount),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_before_a_crash_is_sent_after_it_and_once() {
    sent_once(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_what_was_kept_before_a_crash_is_sent_after_it_and_once() {
    if let Some(chain) = anvil() {
        sent_once(&chain).await;
    }
}

async fn sent_once(chain: &Chain) {
    let town = Town::found(&chain.url).await;
    // The bytes never left; they left and nobody heard the answer.
    for (number, lie) in [(50, Lie::Drop(Some(SEND))), (51, Lie::Lose(SEND))] {
        let somebody = Somebody::new(&town, number).await;
        let call = somebody.faucet(&town, 7);
        let liar = Liar::before(&chain.url, lie).await;
        let error = somebody.by(&liar.url, terms()).send("faucet", &call).await;
        assert!(
            matches!(error, Err(ChainError::Unreachable(_))),
            "{error:?}"
        );
        let kept = somebody
            .journal
            .load("faucet")
            .expect("it is in memory")
            .expect("it was kept");

        let receipt = somebody
            .by(&chain.url, terms())
            .send("faucet", &call)
            .await
            .expect("it goes on");
        assert_eq!(receipt.transaction_hash, kept.attempts[0].hash);
        let again = somebody
            .by(&chain.url, terms())
            .send("faucet", &call)
            .await
            .expect("it is known");
        assert_eq!(again.transaction_hash, receipt.transaction_hash);
        assert_eq!(
            (somebody.sent(&town).await, somebody.tokens(&town).await),
            (1, U256::from(7))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_transaction_closes_the_gap_that_a_crash_left() {
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let somebody = Somebody::new(&town, 52).await;
    let liar = Liar::before(&chain.url, Lie::Drop(Some(SEND))).await;
    let lost = somebody
        .by(&liar.url, terms())
        .send("first", &somebody.faucet(&town, 7))
        .await;
    assert!(lost.is_err());
    let second = somebody
        .by(&chain.url, terms())
        .send("second", &somebody.faucet(&town, 5))
        .await;
    second.expect("it does not wait for ever");
    assert_eq!(
        (somebody.sent(&town).await, somebody.tokens(&town).await),
        (2, U256::from(12))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_transaction_closes_the_gap_that_a_reorganisation_tore() {
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let somebody = Somebody::new(&town, 56).await;
    let send = async |url: &str, name: &str, amount| {
        let call = somebody.faucet(&town, amount);
        somebody.by(url, terms()).send(name, &call).await
    };
    let before = town.control("evm_snapshot", ()).await;
    send(&chain.url, "undone", 7).await.expect("it is sent");
    let liar = Liar::before(&chain.url, Lie::Drop(Some(SEND))).await;
    assert!(send(&liar.url, "second", 5).await.is_err());
    town.control("evm_revert", (before,)).await;
    send(&chain.url, "third", 3).await.expect("it goes first");
    send(&chain.url, "second", 5).await.expect("it goes on");
    assert_eq!(
        (somebody.sent(&town).await, somebody.tokens(&town).await),
        (2, U256::from(8))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_is_deployed_again_is_the_same() {
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let somebody = Somebody::new(&town, 55).await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let sender = somebody.by(&chain.url, terms());
        let market = deploy_for_development(&town.client, &sender, 60).await;
        made.push(market.expect("it can be deployed"));
    }
    assert_eq!(made[0], made[1]);
    assert_ne!(made[0].market, town.deployment.market);
    assert_eq!(somebody.sent(&town).await, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_beyond_a_cap() {
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let somebody = Somebody::new(&town, 53).await;
    let token = town.deployment.pay_token;
    let capped = Terms {
        token_caps: BTreeMap::from([(token, U256::from(9))]),
        ..terms()
    };
    let call = somebody.faucet(&town, 7).spending(token, U256::from(10));
    let error = somebody
        .by(&chain.url, capped)
        .send("a", &call)
        .await
        .expect_err("10 is more than 9");
    assert!(matches!(error, ChainError::OverCap { of: Spent::Token(of), .. } if of == token));
    let frugal = Terms {
        gas_cap: U256::from(1),
        ..terms()
    };
    let error = somebody
        .by(&chain.url, frugal)
        .send("b", &somebody.faucet(&town, 7))
        .await;
    assert!(matches!(
        error,
        Err(ChainError::OverCap { of: Spent::Gas, .. })
    ));
    assert!(somebody.journal.open().expect("it is in memory").is_empty());
    assert_eq!(somebody.sent(&town).await, 0);
}

/// A journal that tells when something is kept.
struct Told {
    kept: MemoryJournal,
    attempts: watch::Sender<usize>,
}

impl Journal for Told {
    fn load(&self, key: &str) -> Result<Option<Sent>, String> {
        self.kept.load(key)
    }

    fn store(&self, key: &str, sent: &Sent) -> Result<(), String> {
        self.kept.store(key, sent)?;
        self.attempts.send_replace(sent.attempts.len());
        Ok(())
    }

    fn open(&self) -> Result<Vec<(String, Sent)>, String> {
        self.kept.open()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_block_takes_is_sent_again_for_more_and_executed_once() {
    dearer(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_what_no_block_takes_is_sent_again_for_more_and_executed_once() {
    if let Some(chain) = anvil() {
        dearer(&chain).await;
    }
}

async fn dearer(chain: &Chain) {
    let town = Town::found(&chain.url).await;
    let somebody = Somebody::new(&town, 54).await;
    let (attempts, mut told) = watch::channel(0);
    let journal = Arc::new(Told {
        kept: MemoryJournal::default(),
        attempts,
    });
    let terms = Terms {
        reprice_after: Duration::from_millis(100),
        ..terms()
    };
    let sender = Sender::new(town.client.clone(), &key(54), journal.clone(), terms)
        .expect("the key is good");
    let call = somebody.faucet(&town, 7);
    town.blocks_by_themselves(false).await;
    let task = tokio::spawn(async move { sender.send("faucet", &call).await });
    told.wait_for(|attempts| *attempts >= 3)
        .await
        .expect("it is sent again");
    town.blocks_by_themselves(true).await;
    town.client.mine(1).await.expect("it makes blocks");
    let receipt = task
        .await
        .expect("it does not panic")
        .expect("it is in a block");
    let kept = journal
        .load("faucet")
        .expect("it is in memory")
        .expect("it was kept");
    assert!(
        kept.attempts
            .iter()
            .any(|attempt| attempt.hash == receipt.transaction_hash)
    );
    for two in kept.attempts.windows(2) {
        assert!(two[1].fees.max > two[0].fees.max && two[1].fees.tip > two[0].fees.tip);
    }
    assert_eq!(
        kept.outcome.map(|outcome| outcome.hash),
        Some(receipt.transaction_hash)
    );
    assert_eq!(
        (somebody.sent(&town).await, somebody.tokens(&town).await),
        (1, U256::from(7))
    );
}

#[tokio::test]
async fn a_folder_remembers_what_was_sent_after_a_crash() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let person = key(60);
    fund(&town.client, address(&person)).await;
    let call = Call::faucet(town.deployment.pay_token, address(&person), U256::from(7));
    let sender = || {
        let journal = weir_chain::FolderJournal::open(folder.path()).expect("it can be used");
        Sender::new(town.client.clone(), &person, Arc::new(journal), terms()).expect("a key")
    };
    assert!(
        sender()
            .resume("gift")
            .await
            .expect("nothing was sent")
            .is_none()
    );
    sender().send("gift", &call).await.expect("it is sent");
    // What a crash leaves: a draft, and a journal that is read anew.
    std::fs::write(folder.path().join("half.new"), "{").expect("writable");
    let again = sender();
    let busy = weir_chain::FolderJournal::open(folder.path());
    assert!(
        matches!(busy, Err(weir_chain::JournalError::Busy(_))),
        "{busy:?}"
    );
    again.send("gift", &call).await.expect("it was sent");
    let resumed = again.resume("gift").await.expect("it is known");
    assert!(resumed.is_some_and(|receipt| receipt.status()));
    let market = town.client.market(&town.deployment);
    let tokens = market
        .tokens(town.deployment.pay_token, address(&person))
        .await
        .expect("they are read");
    assert_eq!(tokens, U256::from(7), "once");
    assert!(!folder.path().join("half.new").exists());
    drop(again);
    for file in std::fs::read_dir(folder.path()).expect("readable") {
        std::fs::write(file.expect("it is there").path(), "{}").expect("writable");
    }
    let damaged = weir_chain::FolderJournal::open(folder.path()).expect_err("it says so");
    assert!(damaged.to_string().contains("is damaged"), "{damaged}");
}

#[tokio::test]
async fn what_is_forgotten_can_be_sent_again() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let person = key(61);
    fund(&town.client, address(&person)).await;
    let token = town.deployment.pay_token;
    let call = Call::faucet(token, address(&person), U256::from(7));
    let journal = weir_chain::FolderJournal::open(folder.path()).expect("it can be used");
    let journal = Arc::new(journal);
    let sender = Sender::new(town.client.clone(), &person, journal.clone(), terms());
    let sender = sender.expect("a key");
    for _ in 0..2 {
        sender.send("gift", &call).await.expect("it is sent");
        journal.forget("gift").expect("it can be deleted");
        journal.forget("gift").expect("it is gone already");
    }
    let market = town.client.market(&town.deployment);
    let tokens = market.tokens(token, address(&person)).await;
    assert_eq!(tokens.expect("they are read"), U256::from(14));
}
