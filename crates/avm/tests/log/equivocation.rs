use std::sync::Arc;

use weir_avm::log::{
    Body, Entry, Equivocation, Head, Learnt, Log, Message, MessageOptions, Refusal, Suffix,
};

use crate::group::{Group, call, check, entries, key, new_log, observer, sent, tell_all};

/// Two logs in which peer 1 said different things, and the group's other peers know start.
fn forked() -> (Group, Log) {
    let mut group = Group::new(4);
    for peer in 1..4 {
        group.tell(0, peer);
    }
    group.say(1);
    group.tell(1, 0);
    let records = records_of(&mut group.logs[1]);
    let mut twin = Log::restore(
        crate::group::start(),
        crate::group::SCRIPT.into(),
        key(1).peer_id(),
        records,
    )
    .unwrap();
    let body = call(&mut twin, "the other truth");
    twin.append(body).unwrap();
    twin.sign(&key(1)).unwrap();
    group.say(1);
    group.sign(1);
    (group, twin)
}

fn records_of(log: &mut Log) -> Vec<weir_avm::log::Record> {
    log.take_records()
}

fn told(log: &mut Log) -> weir_avm::log::Message {
    sent(&tell_all(log))
}

#[test]
fn both_branches_are_kept_and_the_proof_holds() {
    let (mut group, mut twin) = forked();
    let mut log = observer();
    log.merge(told(&mut group.logs[1]), group.id(1)).unwrap();
    let held = entries(&log);
    let received = log.merge(told(&mut twin), group.id(1)).unwrap();
    assert_eq!(
        (
            received.count,
            received.proven.len(),
            received.refused.len()
        ),
        (0, 1, 0)
    );
    assert_eq!(entries(&log), held);
    let proof = log.equivocations().next().unwrap();
    assert_eq!(proof.verify(), Ok(()));
    assert_eq!((proof.author, proof.index), (group.id(1), 1));
    let copy = Equivocation::from_bytes(&proof.to_bytes()).unwrap();
    assert_eq!(&copy, proof);
    check(&log);
}

#[test]
fn the_proof_does_not_depend_on_who_saw_what_first() {
    let (mut group, mut twin) = forked();
    let (mut here, mut there) = (observer(), observer());
    let (a, b) = (told(&mut group.logs[1]), told(&mut twin));
    here.merge(a.clone(), group.id(1)).unwrap();
    here.merge(b.clone(), group.id(1)).unwrap();
    there.merge(b, group.id(1)).unwrap();
    there.merge(a, group.id(1)).unwrap();
    assert_eq!(here.equivocations().next(), there.equivocations().next());
}

#[test]
fn honest_peers_on_both_branches_meet() {
    let (mut group, mut twin) = forked();
    let id = group.id(1);
    // 2 hears one truth, 3 the other, and both build on it.
    group.tell(1, 2);
    group.logs[3].merge(told(&mut twin), id).unwrap();
    group.say(2);
    group.say(3);
    for (from, to) in [(2, 3), (3, 2)] {
        let received = group.tell(from, to);
        assert_eq!(
            (received.refused.len(), received.parked),
            (0, 0),
            "{from} to {to}"
        );
    }
    group.logs.iter().for_each(check);
    for author in [0, 2, 3] {
        let of = |log: &Log| entries(log)[&group.id(author)].clone();
        assert_eq!(of(&group.logs[2])[..1], of(&group.logs[3])[..1]);
    }
    assert_eq!(group.logs[2].equivocations().count(), 1);
    assert_eq!(group.logs[3].equivocations().count(), 1);
    // Both can tell a stranger.
    for teller in [2, 3] {
        let mut stranger = new_log(9);
        let message = group.everything(teller);
        let received = stranger.merge(sent(&message), group.id(teller)).unwrap();
        assert_eq!(
            (received.refused.len(), received.parked),
            (0, 0),
            "{stranger:#?}"
        );
        assert!(entries(&stranger).contains_key(&group.id(2)));
        assert!(entries(&stranger).contains_key(&group.id(3)));
        check(&stranger);
    }
}

#[test]
fn a_branch_that_is_known_is_not_sent_again() {
    let (mut group, mut twin) = forked();
    let id = group.id(1);
    group.logs[0].merge(told(&mut twin), id).unwrap();
    group.tell(1, 0);
    let first = group.message(0, 2).message;
    assert_eq!(first.equivocations.len(), 1);
    assert_eq!(
        first
            .suffixes
            .iter()
            .filter(|s| s.head.head.author == id)
            .count(),
        2
    );
    group.tell(0, 2);
    group.say(0);
    let second = group.message(0, 2).message;
    assert_eq!((second.suffixes.len(), second.equivocations.len()), (1, 0));
}

#[test]
fn a_branch_goes_on() {
    let (mut group, mut twin) = forked();
    let id = group.id(1);
    let mut log = observer();
    log.merge(told(&mut group.logs[1]), id).unwrap();
    log.merge(told(&mut twin), id).unwrap();
    let body = call(&mut twin, "and more of it");
    twin.append(body).unwrap();
    twin.sign(&key(1)).unwrap();
    let only_news = {
        let mut message = tell_all(&mut twin);
        let own = message
            .suffixes
            .iter_mut()
            .find(|s| s.head.head.author == id)
            .unwrap();
        own.entries.drain(..own.entries.len() - 1);
        message.suffixes.retain(|s| s.head.head.author == id);
        message
            .blobs
            .retain(|blob| blob.value().as_str() == Some("and more of it"));
        message
    };
    let received = log.merge(sent(&only_news), id).unwrap();
    assert_eq!(
        (
            received.refused.len(),
            received.parked,
            received.wants.len()
        ),
        (0, 0, 0)
    );
    assert!(log.merge(told(&mut twin), id).unwrap().is_nothing());
}

#[test]
fn branches_are_bounded() {
    let (mut group, mut twin) = forked();
    let id = group.id(1);
    let limits = weir_avm::log::LogLimits {
        branches_per_author: 0,
        ..Default::default()
    };
    let mut log = observer().with_limits(limits);
    log.merge(told(&mut group.logs[1]), id).unwrap();
    let received = log.merge(told(&mut twin), id).unwrap();
    assert_eq!(received.refused[0].why, Refusal::Branches);
}

/// A whole journal under one head.
pub(crate) fn suffix(author: u8, entries: Vec<Entry>) -> Suffix {
    let mut range = weir_avm::log::mmr::Mmr::new();
    for entry in &entries {
        range.push(entry.leaf());
    }
    let head = Head {
        particle: crate::group::start().id(),
        author: key(author).peer_id(),
        length: range.len(),
        root: range.root().unwrap(),
    };
    Suffix {
        head: head.sign(&key(author)),
        entries: entries.into_iter().map(Arc::new).collect(),
    }
}

pub(crate) fn says(word: &str, learnt: &[(u8, &Entry)]) -> Entry {
    let body = Body::Other {
        kind: Body::ATTESTATION,
        bytes: word.to_owned().into(),
    };
    let learnt = learnt.iter().map(|(author, entry)| Learnt {
        author: key(*author).peer_id(),
        length: 1,
        entry: entry.leaf(),
    });
    Entry {
        body,
        learnt: learnt.collect(),
    }
}

/// A log that has start, and its particle's empty message.
pub(crate) fn begun() -> (Log, Message) {
    let mut group = Group::new(2);
    let mut log = observer();
    log.merge(group.everything(0), group.id(0)).unwrap();
    let message = Message::empty(log.particle());
    (log, message)
}

#[test]
fn branches_that_need_each_other_are_taken_together() {
    let (d, r) = (says("d", &[]), says("r", &[]));
    let (x, y) = (says("x", &[(1, &r)]), says("y", &[(1, &d)]));
    let suffixes = vec![
        suffix(1, vec![d.clone(), says("d2", &[(2, &x)])]),
        suffix(1, vec![r.clone(), says("r2", &[(3, &y)])]),
        suffix(2, vec![x.clone()]),
        suffix(3, vec![y.clone()]),
    ];
    let (mut log, empty) = begun();
    let message = Message { suffixes, ..empty };
    let received = log.merge(sent(&message), key(2).peer_id()).unwrap();
    assert_eq!(
        (received.count, received.parked, received.proven.len()),
        (4, 0, 1)
    );
    check(&log);
    let records = log.take_records();
    let restored = Log::restore(
        crate::group::start(),
        crate::group::SCRIPT.into(),
        key(9).peer_id(),
        records,
    )
    .unwrap();
    assert_eq!(entries(&restored), entries(&log));
    assert_eq!(restored.equivocations().next(), log.equivocations().next());
}

#[test]
fn branches_that_lack_something_wait_without_end_of_work() {
    let (d, r) = (says("d", &[]), says("r", &[]));
    let (x, y) = (says("x", &[(1, &r)]), says("y", &[(1, &d)]));
    let nowhere = says("nowhere", &[]);
    let suffixes = vec![
        suffix(1, vec![d.clone(), says("d2", &[(2, &x)])]),
        suffix(1, vec![r.clone(), says("r2", &[(3, &y), (4, &nowhere)])]),
        suffix(1, vec![r.clone(), says("r3", &[(3, &y), (4, &nowhere)])]),
        suffix(1, vec![r.clone()]),
        suffix(2, vec![x.clone(), says("x2", &[(4, &nowhere)])]),
        suffix(3, vec![y.clone()]),
    ];
    let (mut log, empty) = begun();
    let message = Message {
        suffixes,
        ..empty.clone()
    };
    log.merge(sent(&message), key(2).peer_id()).unwrap();
    let suffixes = vec![suffix(4, vec![nowhere])];
    let message = Message { suffixes, ..empty };
    let received = log.merge(sent(&message), key(4).peer_id()).unwrap();
    assert_eq!(received.parked, 0);
    for author in 1..5 {
        let author = log.author_idx(&key(author).peer_id()).unwrap();
        assert!(log.journal_len(author) > 0);
    }
    check(&log);
}

#[test]
fn a_branch_beyond_the_bound_is_taken_if_another_author_names_it() {
    let branches: Vec<Entry> = (0..9).map(|i| says(&i.to_string(), &[])).collect();
    let (mut log, empty) = begun();
    let message = |suffixes| Message {
        suffixes,
        ..empty.clone()
    };
    let limits = weir_avm::log::LogLimits {
        named_branches_per_author: 2,
        ..Default::default()
    };
    log = log.with_limits(limits);
    for branch in &branches[..5] {
        let message = message(vec![suffix(1, vec![branch.clone()])]);
        let received = log.merge(message, key(1).peer_id()).unwrap();
        assert_eq!(received.refused, []);
    }
    let mut name = |liar: &Entry, by: u8| {
        let alone = message(vec![suffix(1, vec![liar.clone()])]);
        let received = log.merge(alone, key(1).peer_id()).unwrap();
        assert_eq!(received.refused[0].why, Refusal::Branches);
        let named = vec![
            suffix(1, vec![liar.clone()]),
            suffix(by, vec![says("named", &[(1, liar)])]),
        ];
        log.merge(message(named), key(by).peer_id()).unwrap().count
    };
    assert_eq!(name(&branches[5], 2), 1);
    assert_eq!(name(&branches[6], 3), 1);
    assert_eq!(name(&branches[7], 4), 0);
    check(&log);
}

#[test]
fn a_suffix_of_an_unknown_branch_is_asked_for_from_the_beginning() {
    let (mut group, mut twin) = forked();
    let id = group.id(1);
    let mut log = observer();
    log.merge(told(&mut group.logs[1]), id).unwrap();
    let body = call(&mut twin, "more");
    twin.append(body).unwrap();
    twin.sign(&key(1)).unwrap();
    let mut message = tell_all(&mut twin);
    let own = message
        .suffixes
        .iter_mut()
        .find(|s| s.head.head.author == id)
        .unwrap();
    own.entries.drain(..own.entries.len() - 1);
    let blobs = message.blobs.split_off(2);
    message.blobs = blobs;
    let received = log.merge(message, id).unwrap();
    let want = weir_avm::log::Want::Journal {
        author: id,
        from: 0,
    };
    assert_eq!(received.wants, [want]);
    let answer = twin.answer(&received.wants).message;
    let received = log.merge(sent(&answer), id).unwrap();
    assert_eq!(
        (
            received.parked,
            received.refused.len(),
            received.proven.len()
        ),
        (0, 0, 1)
    );
}

#[test]
fn a_proof_travels_without_the_branches() {
    let (mut group, mut twin) = forked();
    let id = group.id(1);
    let mut witness = observer();
    witness.merge(told(&mut group.logs[1]), id).unwrap();
    witness.merge(told(&mut twin), id).unwrap();
    let mut message = witness
        .message_for(&group.id(2), MessageOptions::default())
        .message;
    let mut log = observer();
    log.merge(told(&mut group.logs[1]), id).unwrap();
    message.suffixes.clear();
    message.blobs.clear();
    let received = log.merge(sent(&message), group.id(0)).unwrap();
    assert_eq!(received.proven.len(), 1);
    assert!(log.merge(sent(&message), group.id(0)).unwrap().is_nothing());
}

#[test]
fn a_proof_cannot_be_forged() {
    let (mut group, mut twin) = forked();
    let mut log = observer();
    log.merge(told(&mut group.logs[1]), group.id(1)).unwrap();
    log.merge(told(&mut twin), group.id(1)).unwrap();
    let proof = log.equivocations().next().unwrap();
    let [first, second] = proof.leaves.clone();
    let same = Equivocation {
        leaves: [first.clone(), first.clone()],
        ..proof.clone()
    };
    assert!(same.verify().is_err());
    let swapped = Equivocation {
        leaves: [second.clone(), first.clone()],
        ..proof.clone()
    };
    assert!(swapped.verify().is_err());
    let other_author = Equivocation {
        author: group.id(2),
        ..proof.clone()
    };
    assert!(other_author.verify().is_err());
    // An honest journal, at two indices.
    let author = log.author_idx(&group.id(1)).unwrap();
    let leaves = [0, 1].map(|index| log.signed_leaf(author, index).unwrap());
    for index in 0..3 {
        let honest = Equivocation::new(proof.particle, proof.author, index, leaves.clone());
        assert!(honest.verify().is_err());
    }
    let bytes = proof.to_bytes();
    for at in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[at] ^= 1;
        let forged = Equivocation::from_bytes(&forged);
        assert!(
            forged.is_err() || forged.unwrap().verify().is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn a_false_proof_is_refused() {
    let (mut group, mut twin) = forked();
    let mut log = observer();
    log.merge(told(&mut group.logs[1]), group.id(1)).unwrap();
    let mut witness = observer();
    witness
        .merge(told(&mut group.logs[1]), group.id(1))
        .unwrap();
    witness.merge(told(&mut twin), group.id(1)).unwrap();
    let mut message = tell_all(&mut witness);
    message.suffixes.clear();
    message.blobs.clear();
    message.equivocations[0].index = 0;
    let received = log.merge(sent(&message), group.id(0)).unwrap();
    assert_eq!(received.refused[0].why, Refusal::Proof);
    assert_eq!(log.equivocations().count(), 0);
}

#[test]
fn both_branches_in_one_message_from_the_beginning_are_kept() {
    let (mut group, mut twin) = forked();
    let id = group.id(1);
    let mut message = tell_all(&mut group.logs[1]);
    let other = tell_all(&mut twin);
    message.suffixes.extend(
        other
            .suffixes
            .into_iter()
            .filter(|s| s.head.head.author == id),
    );
    for blob in other.blobs {
        if !message.blobs.contains(&blob) {
            message.blobs.push(blob);
        }
    }
    let mut log = observer();
    let received = log.merge(message, id).unwrap();
    assert_eq!(
        (
            received.refused.len(),
            received.parked,
            received.proven.len()
        ),
        (0, 0, 1)
    );
    check(&log);
    assert_eq!(entries(&log), entries(&group.logs[1]));
}

#[test]
fn what_was_answered_in_vain_is_not_asked_for_again_at_once() {
    let (d, r) = (says("d", &[]), says("r", &[]));
    let (mut log, empty) = begun();
    let suffixes = vec![suffix(1, vec![d]), suffix(2, vec![says("x", &[(1, &r)])])];
    let message = Message { suffixes, ..empty };
    let mut asked = |from: u8| {
        let received = log.merge(message.clone(), key(from).peer_id()).unwrap();
        received.wants.len()
    };
    assert_eq!([asked(2), asked(2), asked(3)], [1, 0, 1]);
    // It may have been told it meanwhile, or the question was lost.
    assert_eq!(asked(2), 1);
}
