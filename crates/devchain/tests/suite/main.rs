//! What clients may rely on, tested on the embedded chain and on a real anvil.
//!
//! Each test is a function that takes a node and knows nothing else of it. The anvil is that of the contracts
//! (`npm install` in `contracts/`) or the one that `WEIR_ANVIL` names. Where there is none its half is skipped and says
//! so; with `WEIR_ANVIL_REQUIRED` it fails.

mod blocks;
mod fees;
mod logs;
mod market;
mod node;
mod nonces;
mod reorg;
mod reverts;
mod time;
mod token;

use node::Node;

macro_rules! on_both {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod embedded {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    $module::$test(&Node::embedded().await).await;
                }
            )*
        }

        mod anvil {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    if let Some(node) = Node::anvil().await {
                        $module::$test(&node).await;
                    }
                }
            )*
        }
    };
}

on_both!(
    blocks::a_transfer_is_in_a_block_with_its_receipt,
    blocks::blocks_hash_to_what_they_say_and_hang_together,
    blocks::tags_numbers_and_hashes_find_the_same_block,
    blocks::what_does_not_exist_is_null,
    blocks::all_types_of_transactions_are_taken,
    fees::the_base_fee_follows_the_use_of_gas,
    fees::the_history_of_fees_says_what_blocks_cost,
    fees::an_estimate_is_enough_and_not_much_more,
    fees::a_transaction_below_the_base_fee_is_refused,
    nonces::a_gap_waits_for_what_is_missing,
    nonces::a_used_nonce_is_too_low,
    nonces::a_replacement_must_pay_more,
    nonces::strangers_and_paupers_are_refused,
    reverts::a_call_that_reverts_answers_with_the_data,
    reverts::a_transaction_that_reverts_has_a_receipt_that_says_so,
    reverts::old_states_can_be_called,
    reverts::a_call_can_pretend,
    logs::logs_are_found_by_address_and_topics,
    logs::filters_hold_what_happened,
    logs::subscriptions_deliver_what_happens,
    reorg::going_back_takes_blocks_state_and_nonces_along,
    reorg::removed_logs_reach_filters_and_subscriptions,
    time::time_can_be_moved_and_set,
    time::blocks_are_mined_on_demand,
    market::the_market_is_deployed_as_its_page_says,
);
