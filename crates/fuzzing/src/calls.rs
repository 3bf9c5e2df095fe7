//! Random calls of the example services: function and arguments in JSON.

use crate::Chance;

/// A call: the name of the function, and its arguments as a JSON array.
pub type Call = (&'static str, String);

const NAMES: [&str; 8] = [
    "Ada",
    "Grace",
    "Blaise",
    "Łukasz",
    "",
    " ",
    "李",
    "O'Neil \\\"x\\\"",
];

/// A call of `examples/greeter`; some of them fail.
pub fn greeter(chance: &mut Chance) -> Call {
    match chance.below(6) {
        0 => ("hello", format!(r#"["{}"]"#, chance.pick(&NAMES))),
        1 => {
            let age = chance.pick(&["null", "0", "36", "255", "300"]);
            let languages = chance.pick(&["", r#""french""#, r#""german","english""#]);
            let name = chance.pick(&NAMES);
            let person = format!(r#"{{"name":"{name}","age":{age},"languages":[{languages}]}}"#);
            ("greet", format!("[{person}]"))
        }
        2 => {
            let (a, b) = (
                chance.below(1 << 32),
                chance.pick(&[0, 7, 4_294_967_295, 4_294_967_296_u64]),
            );
            ("add", format!("[{a},{b}]"))
        }
        3 => {
            let numbers: Vec<String> = (0..chance.below(12))
                .map(|_| {
                    let special = chance.pick(&[r#""NaN""#, r#""Infinity""#, "-0.0", "1e308"]);
                    match chance.below(6) {
                        0 => special.to_owned(),
                        _ => (chance.below(2_000_000) as f64 / 1000.0 - 500.0).to_string(),
                    }
                })
                .collect();
            ("mean", format!("[[{}]]", numbers.join(",")))
        }
        4 => {
            let words = ["the", "cat", "and", "hat", "über", "a-b", "\\n"];
            let text: Vec<&str> = (0..chance.below(60)).map(|_| chance.pick(&words)).collect();
            ("count-words", format!(r#"["{}"]"#, text.join(" ")))
        }
        _ => ("burn", format!("[{}]", chance.below(2_000))),
    }
}

/// The first call of `examples/sqlite`: those of [`sqlite`] need its table.
pub fn sqlite_first() -> Call {
    let sql = "create table people (id integer primary key, name text not null, age integer, \
               note blob); create index ages on people (age)";
    ("execute", format!(r#"["{sql}", []]"#))
}

/// A call of `examples/sqlite`; some of them fail.
pub fn sqlite(chance: &mut Chance) -> Call {
    let number = chance.below(90);
    let limit = chance.below(20);
    match chance.below(12) {
        0..=3 => {
            let name = chance.pick(&NAMES);
            let blob = "AAEC".repeat(chance.below(40));
            let sql = "insert into people (name, age, note) values (?, ?, ?)";
            let values =
                format!(r#"[{{"text":"{name}"}},{{"integer":{number}}},{{"blob":"b64:{blob}"}}]"#);
            ("execute", format!(r#"["{sql}", {values}]"#))
        }
        4 => {
            let sql = "insert into people (name, age) values (hex(randomblob(8)), random() % 90)";
            ("execute", format!(r#"["{sql}", []]"#))
        }
        5 => {
            let sql = format!(
                "update people set age = age + 1 where id % 7 = {}",
                number % 7
            );
            ("execute", format!(r#"["{sql}", []]"#))
        }
        6 => {
            let sql = "delete from people where age = ?; select 1";
            ("execute", format!(r#"["{sql}", [{{"integer":{number}}}]]"#))
        }
        7 => {
            // Fails: the second statement names what is not there.
            let sql = "delete from people; insert into nowhere values (1)";
            ("execute", format!(r#"["{sql}", []]"#))
        }
        8 => {
            let sql = "select age, count(*), avg(length(name)) from people group by age";
            ("query", format!(r#"["{sql}", []]"#))
        }
        9 => {
            let sql = format!("select * from people where age > ? order by name limit {limit}");
            ("query", format!(r#"["{sql}", [{{"integer":{number}}}]]"#))
        }
        10 => {
            let sql = "select datetime('now'), total(age) * 1.1, max(id) from people";
            ("query", format!(r#"["{sql}", []]"#))
        }
        // Fails: it would change something.
        _ => ("query", r#"["delete from people", []]"#.to_owned()),
    }
}

/// The first call of `examples/rates`: from then on it asks what answers at this URL.
pub fn rates_first(source: &str) -> Call {
    ("use-source", format!(r#"["{source}"]"#))
}

/// A call of `examples/rates` for currencies of which its server may know some; some of them fail.
pub fn rates(chance: &mut Chance) -> Call {
    let pair = [
        chance.pick(&["EUR", "CHF", "eur", "E"]),
        chance.pick(&["USD", "GBP", "US$", ""]),
    ];
    let [base, quote] = pair;
    match chance.below(7) {
        0..=3 => ("refresh", format!(r#"["{base}","{quote}"]"#)),
        4 => ("get", format!(r#"["{base}","{quote}"]"#)),
        5 => {
            let limit = chance.pick(&[0, 1, 7, 4_294_967_295_u32]);
            ("history", format!(r#"["{base}","{quote}",{limit}]"#))
        }
        _ => ("source", "[]".to_owned()),
    }
}
