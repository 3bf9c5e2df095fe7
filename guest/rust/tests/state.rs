//! The typed state, on the host of tests.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weir_guest::state::{self, Entries, Error, Item, Key, Map, Order};
use weir_guest::testing::Host;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account {
    owner: String,
    balance: u64,
    #[serde(default)]
    limit: Option<u64>,
}

const ACCOUNTS: Map<u32, Account> = Map::new("accounts");

fn ada() -> Account {
    Account {
        owner: "Ada".into(),
        balance: 12,
        limit: None,
    }
}

/// Numbers from a seed: xorshift.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Short texts of few characters, so that many begin alike.
    fn text(&mut self) -> String {
        const CHARACTERS: &[char] = &['\0', '\u{1}', 'a', 'ÿ', '\u{10ffff}'];
        let character = |numbers: &mut Self| CHARACTERS[numbers.below(5) as usize];
        (0..self.below(4)).map(|_| character(self)).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        const BYTES: &[u8] = &[0, 1, 254, 255];
        (0..self.below(4))
            .map(|_| BYTES[self.below(4) as usize])
            .collect()
    }

    fn small(&mut self) -> i64 {
        let number = self.next() as i64;
        number >> self.below(64)
    }
}

fn encoded(key: &impl Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode(&mut bytes);
    bytes
}

/// Checks what [`Key`] promises, for each pair of keys.
fn holds<K: Key + Ord + std::fmt::Debug>(keys: &[K]) {
    for a in keys {
        let bytes = encoded(a);
        let mut rest = &[&bytes[..], b"rest"].concat()[..];
        assert_eq!(K::decode(&mut rest).as_ref(), Some(a));
        assert_eq!(rest, b"rest", "{a:?} ends where it ends");
        for b in keys {
            let other = encoded(b);
            assert_eq!(a.cmp(b), bytes.cmp(&other), "{a:?} {b:?}");
            assert!(a == b || !other.starts_with(&bytes), "{a:?} begins {b:?}");
        }
        for end in 0..bytes.len() {
            assert!(
                K::decode(&mut &bytes[..end]).is_none(),
                "{a:?} is whole or nothing"
            );
        }
    }
}

#[test]
fn keys_are_ordered_as_their_bytes_and_say_where_they_end() {
    let mut numbers = Numbers(0x5eed);
    let mut many = |make: &mut dyn FnMut(&mut Numbers)| (0..100).for_each(|_| make(&mut numbers));
    let (mut signed, mut texts, mut bytes, mut tuples) =
        (vec![i64::MIN, -1, 0, i64::MAX], vec![], vec![], vec![]);
    many(&mut |numbers| signed.push(numbers.small()));
    many(&mut |numbers| texts.push(numbers.text()));
    many(&mut |numbers| bytes.push(numbers.bytes()));
    many(&mut |numbers| {
        let option = Some(numbers.small()).filter(|number| number % 2 == 0);
        tuples.push((
            numbers.text(),
            option,
            numbers.bytes(),
            numbers.below(2) == 0,
        ));
    });
    holds(&signed);
    holds(&texts);
    holds(&bytes);
    holds(&tuples);
    holds(&[0_u8, 1, 127, 128, 255]);
    holds(&[i8::MIN, -1, 0, i8::MAX]);
    holds(&[u128::MIN, 1, u128::MAX]);
    holds(&['a', 'ÿ', '\u{10ffff}']);
    holds(&[[0_u8, 255], [255, 0]]);
}

#[test]
fn a_key_that_nobody_wrote_is_no_key() {
    assert_eq!(bool::decode(&mut &[2][..]), None);
    assert_eq!(String::decode(&mut &[0xff, 0, 0][..]), None, "no UTF-8");
    assert_eq!(
        Vec::decode(&mut &[0, 7, 0, 0][..]),
        None,
        "an escape that is none"
    );
    assert_eq!(char::decode(&mut &[0, 0, 0xd8, 0][..]), None);
}

#[test]
fn a_map_gives_what_it_was_given() {
    let _host = Host::new();
    assert_eq!(ACCOUNTS.get(&1), Ok(None));
    assert!(ACCOUNTS.is_empty());
    assert_eq!(ACCOUNTS.set(&1, &ada()), Ok(false));
    assert_eq!(ACCOUNTS.set(&1, &ada()), Ok(true), "it was there");
    assert_eq!(ACCOUNTS.get(&1), Ok(Some(ada())));
    assert!(ACCOUNTS.contains(&1) && !ACCOUNTS.contains(&2) && !ACCOUNTS.is_empty());
    assert_eq!(ACCOUNTS.remove(&1), Ok(true));
    assert_eq!(ACCOUNTS.remove(&1), Ok(false));
    assert_eq!(ACCOUNTS.get(&1), Ok(None));
}

#[test]
fn maps_and_items_lie_beside_each_other() {
    const SHORT: Map<String, u8> = Map::new("a");
    const LONG: Map<String, u8> = Map::new("ab");
    const TOTAL: Item<u8> = Item::new("total");
    let _host = Host::new();
    SHORT.set(&"b".into(), &1).expect("a small entry");
    LONG.set(&String::new(), &2).expect("a small entry");
    TOTAL.set(&3).expect("a small entry");
    let all = |map: &Map<String, u8>| map.iter().collect::<Result<Vec<_>, _>>();
    assert_eq!(all(&SHORT), Ok(vec![("b".into(), 1)]));
    assert_eq!(all(&LONG), Ok(vec![(String::new(), 2)]));
    assert_eq!(TOTAL.get(), Ok(Some(3)));
    assert_eq!(TOTAL.remove(), Ok(true));
    assert_eq!(TOTAL.get(), Ok(None));
}

fn pairs<K: Key, V: serde::de::DeserializeOwned>(entries: Entries<K, V>) -> Vec<(K, V)> {
    entries.collect::<Result<_, _>>().expect("all of one type")
}

#[test]
fn ranges_are_those_of_an_ordered_map_in_both_directions_over_many_pages() {
    const MAP: Map<(String, i64), u64> = Map::new("map");
    let host = Host::new();
    let mut numbers = Numbers(7);
    let mut model = BTreeMap::new();
    for round in 0..400 {
        let key = (numbers.text(), numbers.small());
        MAP.set(&key, &round).expect("a small entry");
        model.insert(key, round);
    }
    assert!(model.len() > 200, "several pages");
    assert_eq!(host.state().len(), model.len());
    let model_pairs = |range: &dyn Fn(&(String, i64)) -> bool| -> Vec<_> {
        let kept = model.iter().filter(|(key, _)| range(key));
        kept.map(|(key, value)| (key.clone(), *value)).collect()
    };
    assert_eq!(pairs(MAP.iter()), model_pairs(&|_| true));
    for _ in 0..50 {
        let mut ends = [
            (numbers.text(), numbers.small()),
            (numbers.text(), numbers.small()),
        ];
        ends.sort();
        let [a, b] = ends;
        let mut expected = model_pairs(&|key| (&a..&b).contains(&key));
        assert_eq!(pairs(MAP.range(a.clone()..b.clone())), expected);
        let keys: Result<Vec<_>, _> = MAP.keys(a.clone()..b.clone()).descending().collect();
        expected.reverse();
        assert_eq!(
            keys.expect("keys"),
            expected
                .iter()
                .map(|(key, _)| key.clone())
                .collect::<Vec<_>>()
        );
        assert_eq!(
            pairs(MAP.range(a.clone()..b.clone()).descending()),
            expected
        );
        let expected = model_pairs(&|key| (&a..=&b).contains(&key));
        assert_eq!(pairs(MAP.range(a.clone()..=b.clone())), expected);
        let expected = model_pairs(&|key| *key >= b);
        assert_eq!(pairs(MAP.range(b.clone()..)), expected);
        let expected = model_pairs(&|key| key.0 == a.0);
        assert_eq!(pairs(MAP.beginning_with(&a.0)), expected);
    }
}

#[test]
fn entries_may_be_removed_while_they_are_visited() {
    const MAP: Map<u32, ()> = Map::new("map");
    let _host = Host::new();
    for key in 0..300 {
        MAP.set(&key, &()).expect("a small entry");
    }
    for entry in MAP.iter() {
        let (key, ()) = entry.expect("an entry");
        MAP.remove(&key).expect("a state to write");
    }
    assert!(MAP.is_empty());
}

#[test]
fn a_map_is_visited_to_its_end_where_one_scan_gives_less_than_a_page() {
    const TEXTS: Map<u32, String> = Map::new("texts");
    let _host = Host::new();
    for key in 0..40 {
        TEXTS.set(&key, &"x".repeat(60_000)).expect("a large entry");
    }
    let found = state::scan(&[], None, Order::Ascending, 64);
    assert_eq!(found.len(), 18, "the last one reaches 1 MiB");
    let keys = |pairs: Vec<(u32, String)>| pairs.into_iter().map(|(key, _)| key);
    assert!(keys(pairs(TEXTS.iter())).eq(0..40));
    let descending = pairs(TEXTS.iter().descending());
    assert!(keys(descending).eq((0..40).rev()));
    assert_eq!(TEXTS.keys(..).count(), 40);
}

#[test]
fn a_field_with_a_default_can_be_added() {
    #[derive(Serialize)]
    struct Older {
        owner: String,
        balance: u64,
    }
    const TEXTS: Map<u32, BTreeMap<String, String>> = Map::new("accounts");
    let _host = Host::new();
    let bytes = cbor(&Older {
        owner: "Ada".into(),
        balance: 12,
    });
    state::set([&b"accounts\0"[..], &1_u32.to_be_bytes()].concat(), bytes).expect("a small entry");
    assert_eq!(ACCOUNTS.get(&1), Ok(Some(ada())));
    let error = TEXTS.get(&1).expect_err("a balance is no text");
    assert!(matches!(error, Error::Malformed(_)), "{error}");
}

fn cbor(value: &impl Serialize) -> Vec<u8> {
    minicbor_serde::to_vec(value).expect("it has a CBOR form")
}

#[test]
fn what_was_written_as_another_type_is_an_error_and_no_panic() {
    let _host = Host::new();
    let mut numbers = Numbers(99);
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..numbers.below(24))
            .map(|_| numbers.next() as u8)
            .collect();
        state::set([&b"accounts\0"[..], &[0, 0, 0, 1]].concat(), &bytes).expect("a small entry");
        assert!(ACCOUNTS.get(&1).is_err(), "{bytes:?}");
        state::delete([&b"accounts\0"[..], &[0, 0, 0, 1]].concat()).expect("a state to write");
        state::set([&b"accounts\0"[..], &bytes].concat(), cbor(&ada())).expect("a small entry");
        let all: Vec<_> = ACCOUNTS.iter().collect();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].is_ok(), bytes.len() == 4, "{bytes:?}");
        state::delete([&b"accounts\0"[..], &bytes].concat()).expect("a state to write");
    }
    let followed = [cbor(&ada()), vec![0]].concat();
    state::set([&b"accounts\0"[..], &[0, 0, 0, 1]].concat(), followed).expect("a small entry");
    assert!(ACCOUNTS.get(&1).is_err(), "something follows the value");
}

#[test]
fn limits_are_those_of_the_host() {
    let host = Host::new();
    assert!(matches!(state::set([7; 256], []), Err(Error::TooLong(_))));
    assert_eq!(state::set([7; 255], vec![7; 65_536]), Ok(false));
    assert!(matches!(
        state::set([7], vec![7; 65_537]),
        Err(Error::TooLong(_))
    ));
    assert!(matches!(state::delete([7; 256]), Err(Error::TooLong(_))));
    assert_eq!(state::length([7; 255]), Some(65_536));
    host.quota(70_000);
    assert!(matches!(
        state::set([8], vec![7; 8_000]),
        Err(Error::Quota(_))
    ));
    assert_eq!(
        state::set([7; 255], vec![7; 8]),
        Ok(true),
        "what is replaced does not count"
    );
    let entries = state::scan(&[], None, Order::Ascending, 9);
    assert_eq!(entries.len(), 1);
    assert!(
        state::keys(&[8], Some(&[7]), Order::Ascending, 9).is_empty(),
        "nothing lies between"
    );
}

#[test]
fn a_scan_gives_so_many_entries_and_bytes_and_no_more() {
    let _host = Host::new();
    let scan = |order| state::scan(&[], None, order, u32::MAX);
    for number in 0..1_001_u32 {
        state::set(number.to_be_bytes(), []).expect("a small entry");
    }
    assert_eq!(scan(Order::Ascending).len(), 1_000);
    let keys = state::keys(&[], None, Order::Descending, u32::MAX);
    assert_eq!(keys.len(), 1_000);
    assert_eq!(keys.last(), Some(&vec![0, 0, 0, 1]));

    // Four bytes of a key and 65,532 of a value: 16 of them are 1 MiB.
    for number in 0..20_u32 {
        state::set(number.to_be_bytes(), vec![7; 65_532]).expect("a large entry");
    }
    assert_eq!(scan(Order::Ascending).len(), 16, "the last reaches it");
    state::set(0_u32.to_be_bytes(), vec![7; 65_531]).expect("a large entry");
    assert_eq!(scan(Order::Ascending).len(), 17, "a byte was missing");
    assert_eq!(state::scan(&[], None, Order::Ascending, 3).len(), 3);
    assert_eq!(
        state::keys(&[], None, Order::Ascending, 100).len(),
        100,
        "values do not count where there are none"
    );
}
