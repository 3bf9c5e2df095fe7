//! Small networks under random cuts, losses and crashes. A failing seed is
//! named in the panic and gives the same run again.

mod net;

use std::collections::BTreeMap;

use net::Net;

const SEEDS: u64 = 150;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides) as usize
    }
}

/// Two services with effects on two peers, joined at a third; errors come
/// home, too.
const SCRIPT: &str = r#"
    (seq (par (xor (call @1 ("s" "a") [] $r) (ap "failed" $r))
              (xor (call @2 ("s" "b") [] $r) (ap "failed" $r)))
      (seq (par (xor (call @2 ("s" "c") [] x) (null)) (null))
        (seq (call @0 ("op" "noop") [])
             (call %init_peer_id% ("callbackSrv" "done") ["end"]))))"#;

fn storm(seed: u64) {
    let mut dice = Dice(seed);
    let mut net = Net::new(3);
    let client = net.add_client(0);
    for index in 0..3 {
        net.register(index, "s", false);
    }
    net.run();
    let lossy = dice.roll(2) == 0;
    if lossy {
        net.lossy =
            Some(|_, _, number| Dice(number.wrapping_mul(0x2545_f491_4f6c_dd1d)).roll(10) == 0);
    }
    let submitters: Vec<usize> = (0..3).map(|_| [0, 1, client][dice.roll(3)]).collect();
    for submitter in &submitters {
        net.seats[*submitter].dies_at_persist = false;
        if net.seats[*submitter].peer.is_none() {
            net.restart(*submitter);
        }
        net.submit(*submitter, SCRIPT);
        let pause = dice.roll(60) as u64;
        net.run_for(pause);
        for _ in 0..dice.roll(3) {
            disturb(&mut net, &mut dice, client);
            let pause = dice.roll(2_000) as u64;
            net.run_for(pause);
        }
    }
    for a in 0..net.seats.len() {
        net.seats[a].dies_at_persist = false;
        if net.seats[a].peer.is_none() {
            net.restart(a);
        }
        for b in 0..a {
            net.heal(a, b);
        }
    }
    net.lossy = None;
    net.run_for(45_000);
    for submitter in [0, 1, client] {
        let started = submitters.iter().filter(|s| **s == submitter).count();
        let ended = net.callbacks(submitter).len();
        assert!(
            ended >= started,
            "seed {seed}: {ended} of {started} particles of {submitter} ended"
        );
    }
    for (index, seat) in net.seats.iter().enumerate() {
        let mut calls = BTreeMap::new();
        for call in &seat.calls {
            *calls
                .entry((call.context.particle, call.context.step))
                .or_insert(0) += 1;
        }
        assert!(
            calls.values().all(|count| *count == 1),
            "seed {seed}: a call was repeated at {index}"
        );
    }
}

fn disturb(net: &mut Net, dice: &mut Dice, client: usize) {
    let a = dice.roll(3);
    let b = if dice.roll(4) == 0 {
        client
    } else {
        (a + 1) % 3
    };
    match dice.roll(6) {
        0 if net.seats[a].peer.is_some() => net.crash(a),
        1 if net.seats[a].peer.is_some() => net.seats[a].dies_at_persist = true,
        2 | 3 => net.cut(a, b),
        4 => net.heal(a, b),
        _ => {
            let down = (0..net.seats.len()).find(|index| net.seats[*index].peer.is_none());
            if let Some(index) = down {
                net.restart(index);
            }
        }
    }
}

#[test]
fn particles_end_and_calls_happen_once_whatever_breaks() {
    for seed in 0..SEEDS {
        storm(seed);
    }
}
