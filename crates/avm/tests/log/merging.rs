use weir_avm::log::{
    Body, Entry, Head, LogIndex, MergeError, Message, MessageLimits, MessageOptions, Outcome,
    Refusal, Silent, Start, Suffix,
};
use weir_identity::Value;

use crate::group::{
    Group, call_entry, check, entries, key, new_log, observer, sent, start, tell_all,
};

#[test]
fn two_peers_that_tell_each_other_hold_the_same() {
    let mut group = Group::new(2);
    group.say(0);
    let received = group.tell(0, 1);
    assert_eq!((received.first, received.count), (LogIndex(1), 1));
    group.say(1);
    group.tell(1, 0);
    assert_eq!(entries(&group.logs[0]), entries(&group.logs[1]));
    group.logs.iter().for_each(check);
}

#[test]
fn only_news_is_sent_and_nothing_when_there_is_none() {
    let mut group = Group::new(2);
    group.say(0);
    group.tell(0, 1);
    let again = group.message(0, 1);
    assert!(again.message.is_empty());
    group.say(0);
    let news = group.message(0, 1).message;
    assert_eq!((news.entry_count(), news.start), (1, None));
}

#[test]
fn what_was_not_acknowledged_is_sent_again() {
    let mut group = Group::new(2);
    group.say(0);
    let lost = group.message(0, 1);
    assert_eq!(group.message(0, 1), lost);
}

#[test]
fn a_peers_own_journal_acknowledges_what_it_names() {
    let mut group = Group::new(3);
    group.say(0);
    group.tell(0, 1);
    group.say(1);
    group.tell(1, 2);
    group.say(2);
    group.tell(2, 0);
    let peer = group.id(1);
    let author = group.logs[0].author_idx(&peer).unwrap();
    assert_eq!(group.logs[0].prefix_known_to(author), LogIndex(3));
    let to_1 = group.message(0, 1).message;
    let authors: Vec<_> = to_1.suffixes.iter().map(|s| s.head.head.author).collect();
    assert_eq!(authors, [group.id(2), group.id(0)]);
}

#[test]
fn an_advance_is_named_once_and_only_if_nothing_else_implies_it() {
    let mut group = Group::new(4);
    for peer in 0..3 {
        group.say(peer);
        group.tell(peer, peer + 1);
    }
    let at = group.say(3);
    let entry = group.logs[3].entry(at).unwrap().entry.clone();
    let named: Vec<_> = entry.learnt.iter().map(|l| (l.author, l.length)).collect();
    assert_eq!(named, [(group.id(2), 1)]);
    let at = group.say(3);
    assert!(group.logs[3].entry(at).unwrap().entry.learnt.is_empty());
}

#[test]
fn a_head_over_unrecorded_news_records_them_first() {
    let mut group = Group::new(2);
    group.say(0);
    group.tell(0, 1);
    assert!(group.sign(1));
    let last = group.logs[1].entry(LogIndex(2)).unwrap();
    assert_eq!(
        (last.author, &last.entry.body),
        (group.logs[1].me().unwrap(), &Body::Seen)
    );
    assert_eq!(last.entry.learnt.len(), 1);
    assert!(!group.sign(1));
}

#[test]
fn a_peer_without_anything_to_say_has_no_head() {
    let mut log = new_log(1);
    assert_eq!(log.sign(&key(1)), Ok(false));
}

#[test]
fn a_particle_that_its_initiator_did_not_sign_is_refused() {
    let mut stranger = new_log(1);
    let body = crate::group::call(&mut stranger, "x");
    stranger.append(body).unwrap();
    stranger.sign(&key(1)).unwrap();
    let message = stranger
        .message_for(&key(2).peer_id(), MessageOptions::default())
        .message;
    let mut log = new_log(2);
    assert_eq!(
        log.merge(message, key(1).peer_id()),
        Err(MergeError::StartUnsigned)
    );
}

#[test]
fn start_alone_travels_under_the_initiators_head() {
    let mut group = Group::new(2);
    let message = group.message(0, 1).message;
    assert_eq!(
        (message.start.as_deref(), message.entry_count()),
        (Some(&*start()), 0)
    );
    let received = group.tell(0, 1);
    assert_eq!((received.count, received.refused.len()), (0, 0));
    assert!(group.logs[1].head(weir_avm::log::AuthorIdx(0)).is_some());
}

#[test]
fn messages_of_another_particle_or_script_are_refused() {
    let mut group = Group::new(1);
    let message = group.everything(0);
    let other = Start {
        nonce: [8; 16],
        ..(*start()).clone()
    };
    let mut log = weir_avm::log::Log::observer(other.into(), crate::group::SCRIPT.into()).unwrap();
    let refused = log.merge(message.clone(), key(0).peer_id());
    assert!(matches!(refused, Err(MergeError::Particle { .. })));
    let script = Message {
        script: Some("(never)".into()),
        ..message
    };
    assert_eq!(
        observer().merge(script, key(0).peer_id()),
        Err(MergeError::Script)
    );
    assert!(weir_avm::log::Log::observer(start(), "(never)".into()).is_err());
}

#[test]
fn a_wrong_suffix_does_not_spoil_the_others() {
    let mut group = Group::new(3);
    group.sign(0);
    group.tell(0, 1);
    group.tell(0, 2);
    group.say(1);
    group.say(2);
    group.tell(1, 0);
    group.tell(2, 0);
    let mut message = group.everything(0);
    let bad = message
        .suffixes
        .iter_mut()
        .find(|s| s.head.head.author == group.id(1))
        .unwrap();
    bad.entries[0] = Entry::new(Body::Seen).into();
    // The head of peer 0 names what peer 1 said.
    let own = message
        .suffixes
        .iter()
        .position(|s| s.head.head.author == group.id(0))
        .unwrap();
    let mut log = observer();
    let arrived = Message::decode(&message.encode(), &MessageLimits::default()).unwrap();
    let received = log.merge(arrived, group.id(0)).unwrap();
    assert_eq!(received.refused.len(), 1);
    assert_eq!(
        (received.refused[0].author, received.refused[0].why),
        (group.id(1), Refusal::Root)
    );
    assert!(entries(&log).contains_key(&group.id(2)));
    assert_eq!(received.parked, 1, "suffix {own} names the refused one");
    check(&log);
}

#[test]
fn a_head_by_another_key_is_refused() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    group.say(1);
    let mut message = group.message(1, 0).message;
    let head: &mut Head = &mut message.suffixes[0].head.head;
    head.author = key(5).peer_id();
    let received = group.logs[0].merge(message, key(1).peer_id()).unwrap();
    assert_eq!(received.refused[0].why, Refusal::Signature);
    assert_eq!(received.count, 0);
}

#[test]
fn own_entries_from_elsewhere_silence_the_log() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    group.say(1);
    group.tell(1, 0);
    let mut reborn = new_log(1);
    let received = reborn.merge(group.everything(0), key(0).peer_id()).unwrap();
    assert!(received.key_used_twice);
    assert_eq!(reborn.append(Body::Seen), Err(Silent::KeyUsedTwice));
    assert_eq!(reborn.sign(&key(1)), Err(Silent::KeyUsedTwice));
    assert_eq!(entries(&reborn), entries(&group.logs[0]));
    assert!(!tell_all(&mut reborn).suffixes.is_empty());
}

#[test]
fn an_entry_that_names_its_own_author_is_refused() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    group.say(1);
    let message = group.message(1, 0).message;
    let first = message.suffixes[0].entries[0].clone();
    let learnt = vec![weir_avm::log::Learnt {
        author: group.id(1),
        length: 1,
        entry: first.leaf(),
    }];
    let second = Entry {
        body: Body::Seen,
        learnt,
    };
    let mut mmr = weir_avm::log::mmr::Mmr::new();
    mmr.push(first.leaf());
    mmr.push(second.leaf());
    let head = Head {
        particle: start().id(),
        author: group.id(1),
        length: 2,
        root: mmr.root().unwrap(),
    };
    let suffix = Suffix {
        head: head.sign(&key(1)),
        entries: vec![first, second.into()],
    };
    let message = Message {
        suffixes: vec![suffix],
        ..message
    };
    let received = group.logs[0]
        .merge(sent(&message), key(1).peer_id())
        .unwrap();
    assert_eq!(received.refused[0].why, Refusal::LearntFromItself);
}

#[test]
fn a_value_that_nobody_needs_does_not_travel() {
    let mut group = Group::new(2);
    let unused = Value::from("unused").cid();
    let entry = call_entry("quiet", Outcome::Unused(unused));
    group.logs[0].append(Body::Call(entry)).unwrap();
    let received = group.tell(0, 1);
    assert_eq!((received.count, received.wants.len()), (1, 0));
    assert!(group.logs[1].blob(&unused).is_none());
}

#[test]
fn a_large_value_travels_once() {
    let mut group = Group::new(2);
    let value = group.logs[0].store(Value::from("x".repeat(1_000)));
    for name in ["first", "second"] {
        let entry = call_entry(name, Outcome::Value(value));
        group.logs[0].append(Body::Call(entry)).unwrap();
        let bytes = group.message(0, 1).message.encode().len();
        assert_eq!(bytes > 1_000, name == "first", "{name}: {bytes}");
        group.tell(0, 1);
    }
    check(&group.logs[1]);
}

#[test]
fn a_cut_journal_ends_before_the_offence() {
    let mut group = Group::new(3);
    for peer in [1, 2] {
        group.tell(0, peer);
    }
    group.say(1);
    group.say(1);
    group.say(1);
    group.tell(1, 0);
    let author = group.logs[0].author_idx(&key(1).peer_id()).unwrap();
    assert!(group.logs[0].cut(author, 1, weir_avm::log::Offence::Arguments));
    assert!(!group.logs[0].cut(author, 2, weir_avm::log::Offence::Canon));
    let live: Vec<bool> = (0..group.logs[0].len())
        .map(|at| group.logs[0].is_cut(LogIndex(at)))
        .collect();
    assert_eq!(live, [false, false, true, true]);
    let cut = group.logs[0].cut_of(author).unwrap().clone();
    assert_eq!(
        cut.evidence.verify(start().id(), key(1).peer_id(), 1),
        Ok(())
    );

    let at = group.say(0);
    assert_eq!(group.logs[0].entry(at).unwrap().entry.learnt[0].length, 1);
    group.say(1);
    let received = group.tell(1, 0);
    assert_eq!((received.count, received.refused[0].why), (0, Refusal::Cut));
    // Others need the offence to see it.
    let received = group.tell(0, 2);
    assert_eq!((received.refused.len(), received.parked), (0, 0));
    assert_eq!(entries(&group.logs[0]), entries(&group.logs[2]));
}

#[test]
fn more_of_a_cut_journal_is_taken_if_an_honest_author_named_it() {
    let mut group = Group::new(3);
    for peer in [1, 2] {
        group.tell(0, peer);
    }
    group.say(1);
    group.tell(1, 0);
    let author = group.logs[0].author_idx(&key(1).peer_id()).unwrap();
    assert!(group.logs[0].cut(author, 0, weir_avm::log::Offence::NotItsStep));
    group.say(1);
    group.tell(1, 2);
    group.say(2);
    let received = group.tell(2, 0);
    assert_eq!(
        (received.refused.len(), received.parked, received.count),
        (0, 0, 2)
    );
    check(&group.logs[0]);
}

/// A result of this many bytes, about.
fn say_large(log: &mut weir_avm::log::Log, name: &str, bytes: usize) {
    let value = log.store(weir_identity::Value::from(name.repeat(bytes / name.len())));
    let call = crate::group::call_entry(name, Outcome::Value(value));
    log.append(Body::Call(call)).unwrap();
}

const BUDGET: usize = 100_000;

fn frugal(log: weir_avm::log::Log) -> weir_avm::log::Log {
    log.with_limits(weir_avm::log::LogLimits {
        message_bytes: BUDGET,
        ..Default::default()
    })
}

#[test]
fn what_is_too_large_for_one_message_is_told_in_parts() {
    let mut group = Group::new(3);
    for (number, log) in group.logs.iter_mut().enumerate() {
        let new = crate::group::new_log(number as u8);
        *log = frugal(new);
    }
    group.tell(0, 1);
    for round in ["one", "two", "three"] {
        say_large(&mut group.logs[1], round, 60_000);
    }
    while group.message(1, 0).message.entry_count() > 0 {
        group.tell(1, 0);
    }
    say_large(&mut group.logs[0], "four", 60_000);
    let mut parts = 0;
    loop {
        let outgoing = group.message(0, 2);
        if outgoing.message.is_empty() {
            break;
        }
        assert!(outgoing.message.encode().len() <= BUDGET);
        let received = group.tell(0, 2);
        assert!(received.count > 0 && !received.incomplete);
        parts += 1;
        assert_eq!(outgoing.extent.is_partial(), parts < 4);
    }
    assert_eq!(parts, 4);
    assert_eq!(entries(&group.logs[2]), entries(&group.logs[0]));
}

#[test]
fn who_asks_for_too_much_gets_a_part() {
    let mut group = Group::new(2);
    group.tell(0, 1);
    group.logs[0] = frugal(crate::group::new_log(0));
    for name in ["one", "two", "three"] {
        say_large(&mut group.logs[0], name, 60_000);
    }
    group.sign(0);
    let author = group.id(0);
    let mut asked = vec![weir_avm::log::Want::Journal { author, from: 1 }];
    let answer = group.logs[0].answer(&asked);
    assert!(answer.extent.is_partial());
    assert!(answer.message.encode().len() <= BUDGET);
    // All entries without their values, which are asked for until all are here.
    let mut whole = tell_all(&mut group.logs[0]);
    whole.blobs.clear();
    let initiator = weir_avm::log::AuthorIdx(0);
    let entry = |index| {
        let at = group.logs[0].position(initiator, index).unwrap();
        group.logs[0].entry(at).unwrap().entry.clone()
    };
    whole.suffixes[0] = Suffix {
        head: *group.logs[0].head(initiator).unwrap(),
        entries: (1..4).map(entry).collect(),
    };
    asked = group.deliver(&whole, 0, 1).wants;
    let mut answers = 0;
    while !asked.is_empty() {
        let answer = group.logs[0].answer(&asked).message;
        assert!(answer.encode().len() <= BUDGET);
        asked = group.deliver(&answer, 0, 1).wants;
        answers += 1;
    }
    assert_eq!(answers, 3);
    assert_eq!(entries(&group.logs[1]), entries(&group.logs[0]));
}

#[test]
fn a_journal_is_answered_once_from_the_lowest_index_that_was_asked_for() {
    let mut group = Group::new(2);
    group.say(0);
    group.say(0);
    group.sign(0);
    let author = group.id(0);
    let want = |from| weir_avm::log::Want::Journal { author, from };
    let once = group.logs[0].answer(&[want(1)]);
    assert_eq!(
        group.logs[0].answer(&[want(2), want(1), want(1), want(2)]),
        once
    );
}

#[test]
fn what_follows_a_cut_is_told_only_if_somebody_names_it() {
    let mut group = Group::new(4);
    for peer in 1..4 {
        group.tell(0, peer);
    }
    group.say(1);
    group.tell(1, 0);
    group.tell(1, 2);
    group.say(1);
    group.tell(1, 0);
    let liar = group.logs[0].author_idx(&group.id(1)).unwrap();
    assert!(group.logs[0].cut(liar, 1, weir_avm::log::Offence::Outcome));
    let told = group.message(0, 3).message;
    let told = told
        .suffixes
        .iter()
        .find(|s| s.head.head.author == group.id(1));
    assert_eq!(told.map(|suffix| suffix.head.head.length), Some(1));
    // Who holds more than this may say so to who has cut the journal.
    let liar = group.logs[2].author_idx(&group.id(1)).unwrap();
    assert!(group.logs[2].cut(liar, 0, weir_avm::log::Offence::Outcome));
    let whole = group.logs[1].message_for(&key(99).peer_id(), MessageOptions::default());
    let received = group.deliver(&whole.message, 3, 2);
    assert_eq!((received.count, received.refused.len()), (0, 0));
}
