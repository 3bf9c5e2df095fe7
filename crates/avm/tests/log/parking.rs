use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_avm::log::{Head, Log, LogLimits, Message, Refusal, Suffix, Want};

use crate::equivocation::{begun, says, suffix};
use crate::group::{Group, check, entries, key, new_log, sent};

/// Peer 0 tells 1, 1 tells 2 and so on; the message of each, in which only its own journal is.
fn chain(peers: u8) -> (Group, Vec<Message>) {
    let mut group = Group::new(peers);
    let mut messages = Vec::new();
    for peer in 0..peers as usize {
        group.say(peer);
        let id = group.id(peer);
        let mut message = group.everything(peer);
        message
            .suffixes
            .retain(|suffix| suffix.head.head.author == id);
        let named: Vec<_> = message.suffixes[0]
            .entries
            .iter()
            .filter_map(|e| e.blob())
            .collect();
        message.blobs.retain(|blob| named.contains(&blob.cid()));
        messages.push(message);
        if peer + 1 < peers as usize {
            group.tell(peer, peer + 1);
        }
    }
    (group, messages)
}

#[test]
fn suffixes_that_come_too_early_wait_for_what_they_name() {
    let (group, messages) = chain(4);
    let mut log = new_log(9);
    log.merge(sent(&messages[0]), group.id(0)).unwrap();
    for peer in [3, 2] {
        let received = log.merge(sent(&messages[peer]), group.id(peer)).unwrap();
        let want = Want::Journal {
            author: group.id(peer - 1),
            from: 0,
        };
        assert_eq!((received.count, received.wants), (0, vec![want]));
    }
    let received = log.merge(sent(&messages[1]), group.id(1)).unwrap();
    assert_eq!(
        (received.count, received.parked, received.wants.len()),
        (3, 0, 0)
    );
    assert_eq!(entries(&log), entries(&group.logs[3]));
    check(&log);
}

#[test]
fn a_gap_in_a_journal_is_asked_for_and_answered() {
    let mut group = Group::new(2);
    group.say(0);
    // Acknowledged, but the receiver lost it.
    group.tell(0, 1);
    group.logs[1] = new_log(1);
    group.say(0);
    let mut message = group.message(0, 1).message;
    message.start = None;
    let received = group.deliver(&message, 0, 1);
    assert_eq!(
        received.wants,
        [Want::Journal {
            author: group.id(0),
            from: 1
        }]
    );
    let asking = Message::asking(group.logs[1].particle(), received.wants);
    let received = group.deliver(&asking, 1, 0);
    let answer = group.logs[0].answer(&received.asked);
    let received = group.deliver(&answer.message, 0, 1);
    assert_eq!((received.count, received.parked), (2, 0));
    check(&group.logs[1]);
}

#[test]
fn a_missing_value_is_asked_for_and_answered() {
    let mut group = Group::new(2);
    group.say(0);
    let mut message = group.message(0, 1).message;
    let blob = message.blobs.remove(0);
    let received = group.deliver(&message, 0, 1);
    assert_eq!(
        (received.count, received.wants.as_slice()),
        (0, &[Want::Blob(*blob.cid())][..])
    );
    let answer = group.logs[0].answer(&received.wants).message;
    assert_eq!((answer.blobs.len(), answer.entry_count()), (1, 0));
    let received = group.deliver(&answer, 0, 1);
    assert_eq!((received.count, received.parked), (1, 0));
    check(&group.logs[1]);
}

#[test]
fn start_is_asked_for_and_answered() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    let asking = Message::asking(group.logs[0].particle(), vec![Want::Start]);
    let received = group.deliver(&asking, 1, 0);
    assert!(!group.logs[0].start_known_to(&group.id(1)));
    let answer = group.logs[0].answer(&received.asked).message;
    assert!(answer.start.is_some() && answer.script.is_some());
    assert!(new_log(1).merge(answer, group.id(0)).is_ok());
}

#[test]
fn the_oldest_has_to_leave_when_too_much_waits() {
    let (group, messages) = chain(5);
    let limits = LogLimits {
        parked_suffixes: 2,
        ..LogLimits::default()
    };
    let mut log: Log = new_log(9).with_limits(limits);
    log.merge(sent(&messages[0]), group.id(0)).unwrap();
    log.merge(sent(&messages[4]), group.id(4)).unwrap();
    log.merge(sent(&messages[3]), group.id(3)).unwrap();
    let received = log.merge(sent(&messages[2]), group.id(2)).unwrap();
    let refused = received.refused[0];
    assert_eq!(
        (refused.why, refused.author),
        (
            Refusal::ParkingFull {
                limit: "parked_suffixes",
                value: 2
            },
            group.id(4)
        )
    );
    assert_eq!(received.parked, 2);
}

#[test]
fn one_sender_does_not_crowd_out_the_others() {
    let (group, messages) = chain(6);
    let limits = LogLimits {
        parked_bytes_per_sender: 1_200,
        ..LogLimits::default()
    };
    let mut log: Log = new_log(9).with_limits(limits);
    log.merge(sent(&messages[0]), group.id(0)).unwrap();
    log.merge(sent(&messages[5]), group.id(5)).unwrap();
    let flooder = key(50).peer_id();
    let mut refused = Vec::new();
    for message in [&messages[4], &messages[3], &messages[2]] {
        refused.extend(log.merge(sent(message), flooder).unwrap().refused);
    }
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (refused[0].sender, refused[0].author),
        (flooder, group.id(4))
    );
}

#[test]
fn what_waits_twice_waits_once() {
    let (group, messages) = chain(3);
    let mut log = new_log(9);
    log.merge(sent(&messages[0]), group.id(0)).unwrap();
    for _ in 0..2 {
        let received = log.merge(sent(&messages[2]), group.id(2)).unwrap();
        assert_eq!((received.parked, received.wants.len()), (1, 1));
    }
}

/// Suffixes of peer 1, each with one entry far behind what anybody has of its journal.
fn far_ahead(log: &Log, count: u32) -> Vec<Suffix> {
    let entry = Arc::new(says("far ahead", &[]));
    let key = key(1);
    let far = |length| {
        let head = Head {
            particle: log.particle(),
            author: key.peer_id(),
            length,
            root: entry.leaf(),
        };
        Suffix {
            head: head.sign(&key),
            entries: vec![entry.clone()],
        }
    };
    (1_000..1_000 + count).map(far).collect()
}

/// How long a log takes to merge what a stranger sends.
fn cost(log: &mut Log, message: &Message) -> Duration {
    let message = sent(message);
    let begin = Instant::now();
    log.merge(message, key(3).peer_id()).unwrap();
    begin.elapsed()
}

#[test]
fn suffixes_that_wait_are_not_compared_with_each_other() {
    let (mut idle, empty) = begun();
    let (mut busy, _) = begun();
    let first = says("first", &[]);
    let waits = suffix(2, vec![says("waits", &[(1, &first)])]);
    let waits = Message {
        suffixes: vec![waits],
        ..empty.clone()
    };
    assert_eq!(busy.merge(waits, key(2).peer_id()).unwrap().parked, 1);
    let mut message = Message {
        suffixes: far_ahead(&idle, 12_000),
        ..empty
    };
    // Here nothing can be taken, so that each suffix is looked at once: little but signatures.
    let once = cost(&mut idle, &message);
    // Here something can, and then all that waits may have to be looked at again.
    message.suffixes.push(suffix(1, vec![first]));
    let before = busy.len();
    let again = cost(&mut busy, &message);
    assert_eq!(busy.len() - before, 2);
    assert!(again < 4 * once, "{again:?}, {once:?} where nothing fits");
}
