//! A service with a few typed functions. It imports nothing, so any node may
//! run it without granting anything.

use std::collections::BTreeMap;

use exports::weir::greeter::api::{Guest, Language, Person};

wit_bindgen::generate!({ path: "wit", world: "greeter" });

struct Greeter;

impl Guest for Greeter {
    fn hello(name: String) -> String {
        format!("Hello, {name}!")
    }

    fn greet(who: Person) -> Result<String, String> {
        if who.name.trim().is_empty() {
            return Err("somebody without a name cannot be greeted".into());
        }
        let word = match who.languages.first().unwrap_or(&Language::English) {
            Language::English => "Hello",
            Language::French => "Bonjour",
            Language::German => "Guten Tag",
            Language::Japanese => "Konnichiwa",
        };
        Ok(match who.age {
            Some(age) => format!("{word}, {} ({age})!", who.name),
            None => format!("{word}, {}!", who.name),
        })
    }

    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn mean(numbers: Vec<f64>) -> Result<f64, String> {
        if numbers.is_empty() {
            return Err("an empty list has no mean".into());
        }
        Ok(numbers.iter().sum::<f64>() / numbers.len() as f64)
    }

    fn count_words(text: String) -> Vec<(String, u32)> {
        let mut counts = BTreeMap::<String, u32>::new();
        for word in text.split_whitespace() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    fn burn(rounds: u64) -> u64 {
        let mut sum = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..rounds {
            sum = (sum ^ round).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
        sum
    }
}

export!(Greeter);
