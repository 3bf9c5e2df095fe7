//! The same programs as on the reference interpreter, call by call.

mod support;

use support::{Case, Net};

fn compare(cases: &str, seed: u64) -> (usize, Vec<(String, String)>) {
    let mut agree = 0;
    let mut differ = Vec::new();
    for line in cases.lines().filter(|line| !line.is_empty()) {
        let case: Case = serde_json::from_str(line).expect("a case is JSON");
        let mut expected = case.calls.clone();
        let (id, air) = (case.id.clone(), case.air.clone());
        let mut net = Net::new(case, seed);
        net.begin();
        net.run();
        let mut calls = net.calls.clone();
        calls.sort();
        expected.sort();
        if calls == expected && net.offences.is_empty() {
            agree += 1;
        } else {
            let missing: Vec<_> = expected.iter().filter(|c| !calls.contains(c)).collect();
            let extra: Vec<_> = calls.iter().filter(|c| !expected.contains(c)).collect();
            let text = format!(
                "{air}\n  missing {missing:#?}\n  extra {extra:#?}\n stuck {:?}\n errors {:?}\n offences {:?}\n counts {} {}",
                net.stuck,
                net.errors,
                net.offences,
                expected.len(),
                calls.len()
            );
            differ.push((id, text));
        }
    }
    (agree, differ)
}

#[test]
fn programs_make_the_calls_that_they_make_on_the_reference() {
    let Ok(file) = std::env::var("WEIR_CASES") else {
        return;
    };
    let cases = std::fs::read_to_string(file).expect("the file of cases can be read");
    for seed in 0..6 {
        let (agree, differ) = compare(&cases, seed);
        println!("seed {seed}: {agree} agree, {} differ", differ.len());
        for (id, text) in differ.iter().take(3) {
            println!("--- {id}\n{text}");
        }
    }
}
