use proptest::prelude::*;
use weir_avm::log::{Body, Log, LogIndex, Message, MessageLimits};

use crate::group::{Group, check, entries, key, new_log, observer, sent};
use crate::restoring::{image, restored};

/// What a group does: somebody says something, or tells somebody what is new, or the message is
/// lost.
#[derive(Clone, Debug)]
enum Act {
    Say(usize),
    Tell(usize, usize),
    Lose(usize, usize),
}

fn acts(peers: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..peers).prop_map(Act::Say),
        (0..peers, 0..peers).prop_map(|(from, to)| Act::Tell(from, to)),
        (0..peers, 0..peers).prop_map(|(from, to)| Act::Lose(from, to)),
    ];
    prop::collection::vec(act, 1..40)
}

/// A group after some acts, and all messages that were made on the way.
fn play(peers: usize, acts: &[Act]) -> (Group, Vec<(usize, Message)>) {
    let mut group = Group::new(peers as u8);
    let mut messages = Vec::new();
    for peer in 1..peers {
        group.tell(0, peer);
    }
    for act in acts {
        match *act {
            Act::Say(peer) => {
                group.say(peer);
            }
            Act::Tell(from, to) | Act::Lose(from, to) if from == to => {}
            Act::Tell(from, to) => {
                let received = group.tell(from, to);
                assert!(received.refused.is_empty());
                assert!(!received.incomplete, "what is acknowledged is held");
            }
            Act::Lose(from, to) => messages.push((from, group.message(from, to).message)),
        }
    }
    for from in 0..peers {
        let message = group.everything(from);
        messages.push((from, message));
    }
    (group, messages)
}

fn group_and_acts() -> impl Strategy<Value = (usize, Vec<Act>)> {
    (3..=6usize).prop_flat_map(|peers| (Just(peers), acts(peers)))
}

fn merge_all(log: &mut Log, messages: &[(usize, Message)]) {
    for (from, message) in messages {
        // Without anything of the initiator's a message is refused; it comes again later.
        let _ = log.merge(message.clone(), key(*from as u8).peer_id());
        check(log);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_the_messages_gives_the_same_set(
        (peers, acts) in group_and_acts(),
        seed in any::<u64>(),
    ) {
        let (_, messages) = play(peers, &acts);
        let mut in_order = observer();
        merge_all(&mut in_order, &messages);
        let mut shuffled = messages.clone();
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let mut other = observer();
        // The first round may meet messages that nothing of the initiator came with.
        merge_all(&mut other, &shuffled);
        merge_all(&mut other, &shuffled);
        prop_assert_eq!(entries(&in_order), entries(&other));
        prop_assert!(in_order.equivocations().next().is_none());
    }

    #[test]
    fn merging_again_changes_nothing((peers, acts) in group_and_acts()) {
        let (_, messages) = play(peers, &acts);
        let mut log = observer();
        merge_all(&mut log, &messages);
        log.take_records();
        for (from, message) in &messages {
            let received = log.merge(message.clone(), key(*from as u8).peer_id()).unwrap();
            prop_assert!(received.is_nothing());
        }
        prop_assert!(log.take_records().is_empty());
    }

    #[test]
    fn it_does_not_matter_who_merged_before(
        (peers, acts) in group_and_acts(),
        split in any::<prop::sample::Index>(),
    ) {
        let (_, messages) = play(peers, &acts);
        let split = split.index(messages.len());
        let mut all = observer();
        merge_all(&mut all, &messages);
        let mut parts = [observer(), observer()];
        merge_all(&mut parts[0], &messages[..split]);
        merge_all(&mut parts[1], &messages[split..]);
        let mut joined = observer();
        for part in &mut parts {
            let message = crate::group::tell_all(part);
            let _ = joined.merge(sent(&message), key(0).peer_id());
        }
        // What waits in a part for what the other has is not told, so the parts know less at most.
        let (all, joined) = (entries(&all), entries(&joined));
        for (author, leaves) in &joined {
            prop_assert_eq!(&all[author][..leaves.len()], &leaves[..]);
        }
        if split == 0 {
            prop_assert_eq!(all, joined);
        }
    }

    #[test]
    fn peers_that_told_each_other_everything_hold_the_same((peers, acts) in group_and_acts()) {
        let (mut group, _) = play(peers, &acts);
        for peer in 1..peers {
            group.tell(peer, 0);
        }
        group.sign(0);
        for peer in 1..peers {
            group.tell(0, peer);
        }
        for log in &group.logs {
            check(log);
            let (mut held, mut own) = (entries(log), entries(&group.logs[0]));
            let me = log.author(log.me().unwrap());
            held.remove(&me);
            own.remove(&me);
            prop_assert_eq!(held, own);
        }
    }

    #[test]
    fn a_log_is_what_its_records_say((peers, acts) in group_and_acts()) {
        let (mut group, _) = play(peers, &acts);
        for (peer, log) in group.logs.iter_mut().enumerate() {
            let records = log.take_records();
            let mut copy = restored(peer as u8, &records);
            check(&copy);
            prop_assert_eq!(image(&mut copy), image(log));
        }
    }

    #[test]
    fn what_a_peer_names_is_known_to_it((peers, acts) in group_and_acts()) {
        let (mut group, _) = play(peers, &acts);
        let log = &mut group.logs[0];
        for author in (0..log.author_count()).map(weir_avm::log::AuthorIdx) {
            let past = log.past(author).clone();
            // By definition: the closure of what its entries name.
            let mut closure = std::collections::BTreeMap::new();
            let signed = log.head(author).map_or(0, |head| head.head.length);
            let mut work = vec![(author, signed)];
            while let Some((author, length)) = work.pop() {
                let known = closure.entry(author).or_insert(0);
                for index in std::mem::replace(known, length.max(*known))..length {
                    work.extend(log.learnt(log.position(author, index).unwrap()));
                }
            }
            for (author, length) in closure {
                prop_assert_eq!(past.length(author), length);
            }
            let prefix = log.prefix_known_to(author);
            let known = |at: LogIndex| {
                let entry = log.entry(at).unwrap();
                let states_a_fact = at != LogIndex(0) && entry.entry.body != Body::Seen;
                !states_a_fact || entry.index < past.length(entry.author)
            };
            prop_assert!((0..prefix.0).map(LogIndex).all(known));
            prop_assert!(prefix.0 == log.len() || !known(prefix));
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_changes_nothing(
        (peers, acts) in group_and_acts(),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let (_, messages) = play(peers, &acts);
        let (from, message) = messages.last().unwrap();
        let mut honest = observer();
        honest.merge(message.clone(), key(*from as u8).peer_id()).unwrap();
        let mut bytes = message.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(changed) = Message::decode(&bytes, &MessageLimits::default()) else {
            return Ok(());
        };
        prop_assert_eq!(changed.encode(), bytes);
        let mut log = new_log(40);
        if log.merge(changed, key(*from as u8).peer_id()).is_ok() {
            check(&log);
            let honest = entries(&honest);
            for (author, leaves) in entries(&log) {
                prop_assert_eq!(&honest[&author][..leaves.len()], &leaves[..]);
            }
        }
    }

    #[test]
    fn a_cut_message_is_refused((peers, acts) in group_and_acts(), at in any::<prop::sample::Index>()) {
        let (_, messages) = play(peers, &acts);
        for (_, message) in messages {
            let bytes = message.encode();
            let short = &bytes[..at.index(bytes.len())];
            prop_assert!(Message::decode(short, &MessageLimits::default()).is_err());
        }
    }
}
