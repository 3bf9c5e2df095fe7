use weir_identity::keccak256;
use weir_marine::{Hosts, HttpPolicy};

use super::super::config::Whom;
use super::*;

/// Choices that are the same on every machine.
struct Choices {
    seed: u64,
    taken: u64,
}

impl Choices {
    fn below(&mut self, end: usize) -> usize {
        self.taken += 1;
        let hash = keccak256(&[&self.seed.to_be_bytes(), &self.taken.to_be_bytes()]);
        usize::from(hash.as_bytes()[0]) % end
    }

    /// Each of these or not.
    fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        of.iter().copied().filter(|_| self.below(3) == 0).collect()
    }

    fn grants(&mut self) -> Grants {
        let mut grants = Grants::default();
        let mut add = |interface: &str, policy| {
            grants
                .insert(interface, policy)
                .expect("the policy is one of the interface");
        };
        if self.below(4) > 0 {
            let patterns = self.some(&PATTERNS);
            let methods = self.below(2) == 0;
            let methods = methods.then(|| self.some(&METHODS).into_iter().map(str::to_owned));
            let bytes = [None, Some(10), Some(20)][self.below(3)];
            let policy = HttpPolicy {
                hosts: Hosts::new(patterns).expect("these are hosts"),
                methods: methods.map(Iterator::collect),
                max_response_bytes: bytes,
            };
            add(HTTP, Policy::Http(policy));
        }
        if self.below(4) > 0 {
            let names = self.some(&NAMES).into_iter().map(str::to_owned);
            add(PROGRAMS, Policy::Programs(names.collect()));
        }
        for interface in PLAIN {
            if self.below(2) == 0 {
                add(interface, Policy::Plain);
            }
        }
        grants
    }
}

const PATTERNS: [&str; 9] = [
    "a.test",
    "b.a.test",
    "*.test",
    "*.a.test",
    "*",
    "a.test:8080",
    "*.test:*",
    "*:443",
    "b.a.test:*",
];
const HOSTS: [&str; 4] = ["a.test", "b.a.test", "test", "other"];
const PORTS: [u16; 3] = [80, 443, 8080];
const METHODS: [&str; 2] = ["GET", "POST"];
const NAMES: [&str; 3] = ["p", "q", "r"];
const PLAIN: [&str; 3] = [
    "weir:host/blobs@0.1",
    "weir:host/signing@0.1",
    "weir:host/entropy@0.1",
];

fn http_of(grants: &Grants) -> Option<&HttpPolicy> {
    match grants.policy(HTTP)? {
        Policy::Http(policy) => Some(policy),
        _ => None,
    }
}

fn programs_of(grants: &Grants) -> BTreeSet<String> {
    match grants.policy(PROGRAMS) {
        Some(Policy::Programs(names)) => names.clone(),
        _ => BTreeSet::new(),
    }
}

/// Exactly what manifest, operator and deployer all allow is granted: nothing more, and nothing less.
#[test]
fn nothing_is_granted_that_one_of_the_three_does_not_grant() {
    for seed in 0..500 {
        let mut choices = Choices { seed, taken: 0 };
        let (manifest, deployer) = (choices.grants(), choices.grants());
        let operator: Vec<Permit> = (0..3)
            .map(|number| Permit {
                component: [Whom::Anyone, Whom::Component(number.to_string())][choices.below(2)]
                    .clone(),
                grants: choices.grants(),
                private: choices.below(2) == 0,
            })
            .collect();
        let parties = Parties {
            component: "1".to_owned(),
            manifest: Some(manifest.clone()),
            operator: &operator,
            deployer: Some(deployer.clone()),
        };
        let meant = |permit: &&Permit| {
            [Whom::Anyone, Whom::Component("1".to_owned())].contains(&permit.component)
        };
        let permits: Vec<&Permit> = operator.iter().filter(meant).collect();

        let rules = parties.http().unwrap_or_default();
        for (host, port, method) in HOSTS
            .iter()
            .flat_map(|host| PORTS.iter().map(move |port| (host, *port)))
            .flat_map(|(host, port)| METHODS.iter().map(move |method| (host, port, method)))
        {
            let by = |grants: &Grants| {
                http_of(grants).is_some_and(|policy| policy.allows(method, host, port))
            };
            let by_operator = permits.iter().any(|permit| by(&permit.grants));
            let private = permits
                .iter()
                .any(|permit| permit.private && by(&permit.grants));
            let expected = by(&manifest) && by_operator && by(&deployer);
            let fits: Vec<&HttpRule> = rules
                .0
                .iter()
                .filter(|rule| rule.policy.allows(method, host, port))
                .collect();
            let case = format!("seed {seed}: {method} {host}:{port}");
            assert_eq!(!fits.is_empty(), expected, "{case}");
            if expected {
                assert_eq!(fits.iter().any(|rule| rule.private), private, "{case}");
                let others = [&manifest, &deployer].map(|grants| http_of(grants));
                for limit in others.iter().flatten().filter_map(|p| p.max_response_bytes) {
                    let within = |rule: &&HttpRule| {
                        rule.policy.max_response_bytes.is_some_and(|b| b <= limit)
                    };
                    assert!(fits.iter().all(within), "{case}");
                }
            }
        }

        let names = parties.programs().unwrap_or_default();
        let by_operator: BTreeSet<String> = permits
            .iter()
            .flat_map(|permit| programs_of(&permit.grants))
            .collect();
        let both = &programs_of(&manifest) & &programs_of(&deployer);
        assert_eq!(names, &both & &by_operator, "seed {seed}");

        for interface in PLAIN {
            let by = |grants: &Grants| grants.policy(interface).is_some();
            let by_operator =
                interface == ENTROPY || permits.iter().any(|permit| by(&permit.grants));
            let expected = by(&manifest) && by_operator && by(&deployer);
            assert_eq!(
                parties.plain(interface).is_ok(),
                expected,
                "seed {seed}: {interface}"
            );
        }
    }
}
