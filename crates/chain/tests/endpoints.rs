//! Endpoints that stall, drop and lie.

mod support;

use std::time::Duration;

use serde_json::json;
use support::liar::{Liar, Lie};
use support::{CHAIN_ID, Chain};
use weir_chain::{ChainError, Client};

/// Time enough for an honest answer of this machine, and little enough to wait for one that never comes.
const DEADLINE: Duration = Duration::from_millis(700);

fn client(urls: &[&str]) -> Client {
    let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
    Client::with_deadline(&urls, CHAIN_ID, DEADLINE).expect("the URLs are good")
}

fn lies() -> Vec<(Lie, &'static str)> {
    vec![
        (Lie::Stall(None), "no answer within 700 ms"),
        (
            Lie::Stall(Some("eth_blockNumber")),
            "no answer within 700 ms",
        ),
        (Lie::Drop(None), ""),
        (Lie::Babble, ""),
        (
            Lie::Flood(1 << 40),
            "its answer has more than 67108864 bytes",
        ),
        (Lie::Busy, "it answers 429 Too Many Requests"),
        (
            Lie::Say("eth_chainId", json!("0x1")),
            "it serves chain 1, not 31337",
        ),
        (
            Lie::Say("eth_chainId", json!("0xfffffffffffffffffffff")),
            "it did not say which chain it serves",
        ),
        (
            Lie::Say("eth_blockNumber", json!("0xffffffffffffffff")),
            "which no chain has reached",
        ),
        (
            Lie::Say("eth_blockNumber", json!(["a", "b"])),
            "it did not say which block is its last",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_lies_is_passed_over() {
    let chain = Chain::embedded().await;
    client(&[&chain.url])
        .mine(5)
        .await
        .expect("it makes blocks");
    for (lie, _) in lies() {
        let liar = Liar::before(&chain.url, lie.clone()).await;
        let client = client(&[&liar.url, &chain.url]);
        assert_eq!(
            client.block_number().await.expect("the other answers"),
            5,
            "{lie:?}"
        );
        // It rests then, and costs no time: this would take as long as it stalls.
        liar.now(Lie::Stall(None));
        let begin = tokio::time::Instant::now();
        assert_eq!(
            client.block_number().await.expect("the other answers"),
            5,
            "{lie:?}"
        );
        assert!(begin.elapsed() < DEADLINE, "{lie:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_none_answers_each_is_named_with_its_reason() {
    let chain = Chain::embedded().await;
    for (lie, why) in lies() {
        let (one, two) = (
            Liar::before(&chain.url, lie).await,
            Liar::before(&chain.url, Lie::Drop(None)).await,
        );
        let error = client(&[&one.url, &two.url])
            .block_number()
            .await
            .expect_err("both lie");
        assert!(
            matches!(&error, ChainError::Unreachable(each) if each.len() == 2),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(&one.url) && text.contains(&two.url) && text.contains(why),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_goes_far_back_is_a_lie_and_a_little_is_a_reorganisation() {
    let chain = Chain::embedded().await;
    let liar = Liar::before(&chain.url, Lie::Say("eth_blockNumber", json!("0x64"))).await;
    let client = client(&[&liar.url]);
    assert_eq!(client.block_number().await.expect("it says so"), 100);
    liar.now(Lie::Say("eth_blockNumber", json!("0x24")));
    assert_eq!(client.block_number().await.expect("64 blocks less"), 36);
    liar.now(Lie::Say("eth_blockNumber", json!("0x23")));
    let error = client.block_number().await.expect_err("65 blocks less");
    assert!(
        error
            .to_string()
            .contains("its last block went back from 100 to 35"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_away_says_anew_which_chain_it_serves() {
    let chain = Chain::embedded().await;
    let other = Chain::numbered(1).await;
    let liar = Liar::before(&chain.url, Lie::Honest).await;
    let client = client(&[&liar.url]);
    client.block_number().await.expect("it is the right one");
    liar.now(Lie::Drop(None));
    client.block_number().await.expect_err("it is away");
    liar.now(Lie::Elsewhere(other.url.clone()));
    let error = client.block_number().await.expect_err("it is another one");
    let text = error.to_string();
    assert!(text.contains("it serves chain 1, not 31337"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_doubted_is_asked_when_nobody_else_answers() {
    let chain = Chain::embedded().await;
    let liar = Liar::before(&chain.url, Lie::Say("eth_blockNumber", json!("0x7"))).await;
    let client = client(&[&liar.url, &chain.url]);
    assert_eq!(client.block_number().await.expect("it says so"), 7);
    client.doubt();
    assert_eq!(client.block_number().await.expect("the other answers"), 0);
    client.doubt();
    assert_eq!(client.block_number().await.expect("it says so"), 7);
}

#[test]
fn only_http_is_spoken() {
    let error =
        Client::new(&["ftp://example.org".to_owned()], CHAIN_ID).expect_err("nobody speaks it");
    assert!(error.to_string().contains("only http and https"), "{error}");
}
