use serde_json::{Value, json};

use crate::node::{Node, number};

async fn newest(node: &Node) -> Value {
    node.get("eth_getBlockByNumber", json!(["latest", false]))
        .await
}

pub async fn time_can_be_moved_and_set(node: &Node) {
    let start = number(&newest(node).await["timestamp"]);
    let offset = node.get("evm_increaseTime", json!([3_600])).await;
    assert_eq!(offset, 3_600);
    node.get("evm_mine", json!([])).await;
    let moved = number(&newest(node).await["timestamp"]);
    assert!((3_600..3_660).contains(&(moved - start)), "{start} {moved}");

    let set = start + 100_000;
    node.get("evm_setNextBlockTimestamp", json!([set])).await;
    node.get("evm_mine", json!([])).await;
    assert_eq!(number(&newest(node).await["timestamp"]), set);
    // Time goes on from there.
    node.get("evm_mine", json!([])).await;
    let next = number(&newest(node).await["timestamp"]);
    assert!((0..60).contains(&(next - set)), "{set} {next}");
    let error = node
        .refused("evm_setNextBlockTimestamp", json!([start]))
        .await;
    assert!(error.contains("lower than previous block"), "{error}");
    node.get("evm_mine", json!([format!("{:#x}", set + 500)]))
        .await;
    assert_eq!(number(&newest(node).await["timestamp"]), set + 500);
}

pub async fn blocks_are_mined_on_demand(node: &Node) {
    node.get("anvil_mine", json!(["0x5", "0x3c"])).await;
    assert_eq!(number(&newest(node).await["number"]), 5);
    let time = |at: u64| async move {
        let params = json!([format!("{at:#x}"), false]);
        number(&node.get("eth_getBlockByNumber", params).await["timestamp"])
    };
    for at in 2..=5 {
        assert_eq!(time(at).await - time(at - 1).await, 60, "{at}");
    }
}
