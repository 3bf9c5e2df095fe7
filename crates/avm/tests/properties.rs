//! What holds of every particle, whatever the script and the order of delivery.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use support::{Case, Event, Net, Rng, key_of};
use weir_avm::log::{AuthorIdx, Message};
use weir_avm::{Avm, Export, audit};
use weir_identity::PeerId;

const SEEDS: std::ops::Range<u64> = 1..4;

fn cases() -> Vec<Case> {
    let text = include_str!("cases.jsonl");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a case is JSON"))
        .collect()
}

/// Runs every case under every seed.
fn each(mut look: impl FnMut(&mut Net, &str)) {
    for case in cases() {
        for seed in SEEDS {
            let label = format!("case {}, seed {seed}", case.id);
            let mut net = Net::new(case.clone(), seed);
            net.begin();
            net.run();
            assert_eq!(net.offences, [], "{label}");
            look(&mut net, &label);
        }
    }
}

fn awake(net: &Net) -> Vec<PeerId> {
    net.peers
        .iter()
        .filter(|(_, peer)| peer.avm.is_some())
        .map(|(id, _)| *id)
        .collect()
}

/// Everything that a peer holds under signatures.
fn everything(avm: &mut Avm) -> Message {
    let _signed = avm.signed_log();
    let nobody = key_of("nobody").peer_id();
    avm.everything_for(&nobody).message
}

fn entries(avm: &Avm) -> BTreeSet<(PeerId, u32, String)> {
    let log = avm.log();
    (0..log.author_count())
        .map(AuthorIdx)
        .flat_map(|author| {
            (0..log.journal_len(author)).map(move |index| {
                (
                    log.author(author),
                    index,
                    log.leaf(author, index)
                        .expect("the entry is there")
                        .to_string(),
                )
            })
        })
        .collect()
}

fn statuses(avm: &Avm) -> BTreeSet<(String, String)> {
    avm.waiting()
        .into_iter()
        .map(|w| (format!("{:?}", w.step), w.what))
        .collect()
}

#[test]
fn the_sending_rule_loses_nothing() {
    each(|net, label| {
        let before = net.calls.len();
        for id in awake(net) {
            net.avm(id).nudge();
            net.drain(id);
        }
        net.run();
        assert_eq!(
            net.calls.len(),
            before,
            "sending everything again makes another call: {label}"
        );
    });
}

#[test]
fn any_order_of_the_same_messages_ends_in_the_same_log() {
    let mut rng = Rng(0x5EED);
    each(|net, label| {
        let ids = awake(net);
        let mut messages: Vec<(PeerId, Message)> = ids
            .iter()
            .map(|id| (*id, everything(net.avm(*id))))
            .collect();
        let mut ends = Vec::new();
        for _ in 0..3 {
            for last in (1..messages.len()).rev() {
                messages.swap(last, rng.below(last + 1));
            }
            let key = Arc::new(key_of("observer"));
            let mut avm =
                Avm::new(net.start.clone(), net.program.clone(), key).expect("the script fits");
            for (from, message) in messages.iter().chain(&messages) {
                let merged = avm
                    .merge(message.clone(), *from)
                    .expect("an honest message is taken");
                assert!(
                    merged.wants.is_empty() && merged.refused.is_empty(),
                    "{label}"
                );
            }
            let effects = avm.drain();
            assert!(
                effects.offences.is_empty(),
                "{label}: {:?}",
                effects.offences
            );
            assert!(effects.sends.iter().all(|send| !send.message.is_empty()));
            let me = key_of("observer").peer_id();
            let mut held = entries(&avm);
            held.retain(|(author, ..)| *author != me);
            ends.push((held, statuses(&avm)));
        }
        for pair in ends.windows(2) {
            assert_eq!(pair[0].0, pair[1].0, "entries: {label}");
            assert_eq!(pair[0].1, pair[1].1, "statuses: {label}");
        }
    });
}

#[test]
fn an_audit_accepts_every_honest_log_and_no_changed_one() {
    let mut rng = Rng(0xA0D17);
    each(|net, label| {
        for id in awake(net) {
            let export = Export::of(net.avm(id).signed_log());
            let text = export.to_json();
            assert_eq!(
                Export::parse(&text).expect("an export reads back"),
                export,
                "{label}"
            );
            if let Err(fault) = audit(&export) {
                panic!("{label}, log of @{}: {fault}", net.peers[&id].name);
            }
            for _ in 0..4 {
                let mut bytes = text.clone().into_bytes();
                let at = rng.below(bytes.len());
                bytes[at] ^= 1 << rng.below(7);
                let Ok(changed) = String::from_utf8(bytes) else {
                    continue;
                };
                let accepted = Export::parse(&changed).is_ok_and(|export| audit(&export).is_ok());
                assert!(!accepted, "{label}: a change at byte {at} was not noticed");
            }
        }
    });
}

#[test]
fn an_export_from_the_records_never_contradicts_the_peer_that_goes_on() {
    let mut rng = Rng(0xE4);
    for case in cases() {
        for seed in SEEDS {
            let label = format!("case {}, seed {seed}", case.id);
            let mut net = Net::new(case.clone(), seed);
            net.begin();
            let mut told = Vec::new();
            loop {
                let ids = awake(&net);
                let id = ids[rng.below(ids.len())];
                let peer = &net.peers[&id];
                let mut copy = Avm::restore(
                    net.start.clone(),
                    net.program.clone(),
                    peer.key.clone(),
                    peer.records.clone(),
                )
                .expect("own records restore");
                told.push((id, everything(&mut copy)));
                if !net.step() {
                    break;
                }
            }
            for id in awake(&net) {
                told.push((id, everything(net.avm(id))));
            }
            let key = Arc::new(key_of("observer"));
            let mut observer =
                Avm::new(net.start.clone(), net.program.clone(), key).expect("the script fits");
            for (from, message) in told {
                observer
                    .merge(message, from)
                    .expect("an honest message is taken");
            }
            assert_eq!(observer.drain().offences, [], "{label}");
        }
    }
}

#[test]
fn a_restart_at_any_point_continues_as_if_nothing_had_been() {
    for case in cases().into_iter().step_by(3) {
        for seed in SEEDS {
            let mut calm = Net::new(case.clone(), seed);
            calm.begin();
            calm.run();
            let mut net = Net::new(case.clone(), 0);
            net.begin();
            let mut rng = Rng(seed);
            loop {
                if rng.below(3) == 0 {
                    let ids = awake(&net);
                    let id = ids[rng.below(ids.len())];
                    let before = entries(net.avm(id));
                    let lost: Vec<_> = net
                        .queue
                        .extract_if(
                            ..,
                            |event| matches!(event, Event::Call { at, .. } if *at == id),
                        )
                        .collect();
                    net.restart(id);
                    assert_eq!(
                        entries(net.avm(id)),
                        before,
                        "case {}, seed {seed}",
                        case.id
                    );
                    let open = net
                        .queue
                        .iter()
                        .filter(|e| matches!(e, Event::Call { at, .. } if *at == id));
                    assert_eq!(open.count(), lost.len(), "open calls are requested again");
                }
                if !net.step() {
                    break;
                }
            }
            assert_eq!(net.offences, []);
            for id in awake(&net) {
                let export = Export::of(net.avm(id).signed_log());
                if let Err(fault) = audit(&export) {
                    panic!("case {}, seed {seed}: {fault}", case.id);
                }
            }
        }
    }
}

#[test]
fn where_a_turn_ends_changes_nothing() {
    for case in cases() {
        for seed in SEEDS {
            let run = |tasks_per_turn| {
                let mut net = Net::new(case.clone(), seed);
                net.tasks_per_turn = tasks_per_turn;
                net.begin();
                net.run();
                let logs: Vec<_> = awake(&net)
                    .into_iter()
                    .map(|id| (entries(net.avm(id)), statuses(net.avm(id))))
                    .collect();
                let told = (net.errors, net.stuck, net.offences);
                (net.broken_off, (logs, told, net.calls, net.bytes))
            };
            let (none, whole) = run(u64::MAX);
            assert_eq!(none, 0);
            for tasks in [1, 7] {
                let (broken_off, in_turns) = run(tasks);
                assert!(tasks > 1 || broken_off > 0);
                let label = format!("case {}, seed {seed}, {tasks} tasks", case.id);
                assert_eq!(in_turns, whole, "{label}");
            }
        }
    }
}

#[test]
fn a_crash_between_two_turns_loses_nothing() {
    for case in cases() {
        for seed in SEEDS {
            let label = format!("case {}, seed {seed}", case.id);
            let mut net = Net::new(case.clone(), seed);
            net.tasks_per_turn = 2;
            net.crashes = Some((Rng(seed), 20));
            net.begin();
            net.run();
            net.crashes = None;
            let mut calm = Net::new(case.clone(), seed);
            calm.begin();
            for net in [&mut net, &mut calm] {
                // News travels one peer further each time.
                for _ in 0..10 {
                    net.run();
                    for id in awake(net) {
                        net.avm(id).nudge();
                        net.drain(id);
                    }
                }
                net.run();
            }
            assert_eq!(net.offences, [], "{label}");
            let waits = |net: &mut Net| {
                let all = awake(net).into_iter();
                all.filter(|id| !net.avm(*id).waiting().is_empty()).count()
            };
            assert_eq!(waits(&mut net) == 0, waits(&mut calm) == 0, "{label}");
            for id in awake(&net) {
                let export = Export::of(net.avm(id).signed_log());
                if let Err(fault) = audit(&export) {
                    panic!("{label}: {fault}");
                }
            }
        }
    }
}
