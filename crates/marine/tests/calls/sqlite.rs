//! The example service with SQLite: a C library that knows nothing of us works on files that are entries of a state.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use crate::support::service::{Service, show};
use crate::support::{component_beside, json, load, module};
use futures::executor::block_on;
use weir_identity::Value;
use weir_marine::{CallOutput, Limits, Manifest, Mode, Verdict, compose};
use weir_receipt::Outcome;

/// A database whose state is kept in memory.
struct Database(Service);

impl Deref for Database {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Database {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}

impl Database {
    fn new() -> Self {
        let part = include_bytes!("../../../../examples/sqlite/sqlite.wasm").to_vec();
        let manifest = Manifest::from_toml(include_str!("../../../../examples/sqlite/weir.toml"))
            .expect("the manifest of the example is good");
        let parts = BTreeMap::from([("sqlite".to_owned(), part)]);
        let service = compose(&manifest, &parts).expect("the part fits its manifest");
        Self(Service::new("sqlite", load(&service.component)))
    }

    /// Makes a call and keeps what it makes of the state.
    fn run(&mut self, function: &str, sql: &str, parameters: &str) -> CallOutput {
        let arguments = Value::from(vec![Value::from(sql), json(parameters)]);
        self.call(function, &arguments.to_json())
    }

    fn execute(&mut self, sql: &str, parameters: &str) -> String {
        show(&self.run("execute", sql, parameters))
    }

    fn query(&mut self, sql: &str, parameters: &str) -> String {
        show(&self.run("query", sql, parameters))
    }
}

#[test]
fn its_manifest_says_that_queries_only_read() {
    let db = Database::new();
    let mode = |name: &str| db.module.function(name).expect("it is exported").mode();
    assert_eq!((mode("execute"), mode("query")), (Mode::Update, Mode::View));
}

#[test]
fn sql_works_and_what_it_wrote_is_there_in_the_next_call() {
    let mut db = Database::new();
    assert_eq!(
        db.query("select 1 + 1 as two", "[]"),
        r#"{"columns":["two"],"rows":[[{"integer":2}]]}"#
    );
    let made = db.execute(
        "create table t (id integer primary key, name text, score real, data blob);
         -- and a row
         insert into t (name, score) values ('Ada', 1.5);",
        "[]",
    );
    assert_eq!(made, "1");
    let inserted = db.execute(
        "insert into t (name, score, data) values (?, ?, ?); update t set score = score + ?;",
        r#"[{"text":"Bob"}, "null", {"blob":"b64:AAEC"}, {"real":0.25}]"#,
    );
    assert_eq!(inserted, "3");
    assert_eq!(
        db.query("select * from t order by id", "[]"),
        r#"{"columns":["id","name","score","data"],"rows":[[{"integer":1},{"text":"Ada"},{"real":1.75},"null"],[{"integer":2},{"text":"Bob"},"null",{"blob":"b64:AAEC"}]]}"#
    );
    assert_eq!(
        db.query("select name from t where id = ?", r#"[{"integer":2}]"#),
        r#"{"columns":["name"],"rows":[[{"text":"Bob"}]]}"#
    );
    // Time stands still at that of the call.
    assert_eq!(
        db.query("select datetime('now') as now", "[]"),
        r#"{"columns":["now"],"rows":[[{"text":"2023-11-14 22:13:20"}]]}"#
    );
}

#[test]
fn what_fails_changes_nothing_and_a_query_never_does() {
    let mut db = Database::new();
    db.execute(
        "create table t (id integer primary key); insert into t values (1)",
        "[]",
    );
    let before = db.root;
    for (sql, parameters, message) in [
        (
            "insert into t values (2); insert into t values (1)",
            "[]",
            "UNIQUE constraint failed: t.id",
        ),
        (
            "delete from t; insert into nowhere values (1)",
            "[]",
            "no such table: nowhere",
        ),
        ("delete from t; selec", "[]", "syntax error"),
        ("delete from t where id = ?", "[]", "fewer parameters"),
        ("delete from t", "[\"null\"]", "more parameters"),
        ("begin; delete from t", "[]", "was begun and not ended"),
    ] {
        let failed = db.execute(sql, parameters);
        assert!(
            failed.starts_with("guest/err") && failed.contains(message),
            "{failed}"
        );
        assert_eq!(db.root, before, "{sql}");
    }
    // Within one call SQL has its own transactions.
    assert_eq!(
        db.execute(
            "begin; delete from t; rollback; insert into t values (5)",
            "[]"
        ),
        "2"
    );
    let before = db.root;
    for (sql, message) in [
        ("delete from t", "a query is one statement that reads"),
        ("select 1; select 2", "a query is one statement"),
        ("", "a query is one statement"),
        ("select * from", "incomplete input"),
    ] {
        let failed = db.query(sql, "[]");
        assert!(failed.contains(message), "{failed}");
    }
    assert_eq!(
        db.query("select count(*) as n from t", "[]"),
        r#"{"columns":["n"],"rows":[[{"integer":2}]]}"#
    );
    assert_eq!(db.root, before);
}

#[test]
fn a_call_that_is_cut_off_leaves_the_database_whole() {
    let mut db = Database::new();
    db.execute(
        "create table t (n integer); insert into t values (1), (2)",
        "[]",
    );
    let before = db.root;
    let endless = "insert into t with recursive c(x) as (select 1 union all select x + 1 from c) select x from c";
    db.limits.fuel = 300_000_000;
    let cut = db.run("execute", endless, "[]");
    assert!(show(&cut).starts_with("limit/fuel"), "{}", show(&cut));
    assert_eq!(db.root, before);
    db.limits = Limits::default();
    assert_eq!(
        db.query("select sum(n) as sum from t", "[]"),
        r#"{"columns":["sum"],"rows":[[{"integer":3}]]}"#
    );
    assert_eq!(
        db.query("pragma integrity_check", "[]"),
        r#"{"columns":["integrity_check"],"rows":[[{"text":"ok"}]]}"#
    );
}

/// A mixed load of so many calls.
fn load_of(calls: usize) -> Vec<(&'static str, String, String)> {
    let mut all = vec![(
        "execute",
        "create table people (id integer primary key, name text, age integer); create index ages on people (age)"
            .to_owned(),
        "[]".to_owned(),
    )];
    for number in 0..calls {
        all.push(match number % 4 {
            0 | 1 => (
                "execute",
                "insert into people (name, age) values (hex(randomblob(20)), ?)".to_owned(),
                format!("[{{\"integer\":{}}}]", number * 7 % 90),
            ),
            2 => (
                "execute",
                format!(
                    "update people set age = age + 1 where id % 5 = {}",
                    number % 5
                ),
                "[]".to_owned(),
            ),
            _ => (
                "query",
                "select age, count(*) from people group by age".to_owned(),
                "[]".to_owned(),
            ),
        });
    }
    all
}

#[test]
fn the_same_calls_give_the_same_and_can_be_repeated_from_their_witnesses() {
    let run = || {
        let mut db = Database::new();
        let calls = load_of(40).into_iter();
        let all = calls.map(|(function, sql, parameters)| {
            let arguments = Value::from(vec![Value::from(&*sql), json(&parameters)]);
            let evidence = Service::execute(&mut db, function, &arguments.to_json());
            let evidence = evidence.expect("everybody finds the same");
            assert_eq!(evidence.receipt.receipt.outcome, Outcome::Ok, "{sql}");
            evidence
        });
        all.collect::<Vec<_>>()
    };
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    let elsewhere = Database::new().0.module;
    for evidence in &first {
        let verdict = block_on(elsewhere.replay(evidence, 10_000));
        assert!(matches!(verdict, Verdict::Same), "{verdict:?}");
    }
}

#[test]
fn ten_thousand_rows_are_no_burden() {
    let mut db = Database::new();
    let filled = db.run(
        "execute",
        "create table t (id integer primary key, name text);
         insert into t with recursive c(x) as (select 1 union all select x + 1 from c where x < 10000)
             select x, 'name ' || x from c",
        "[]",
    );
    assert_eq!(show(&filled), "10000");
    assert!(filled.fuel < 2_000_000_000, "{}", filled.fuel);
    assert_eq!(
        db.query("select count(*) as n, max(name) as last from t", "[]"),
        r#"{"columns":["n","last"],"rows":[[{"integer":10000},{"text":"name 9999"}]]}"#
    );
    // One row costs a few pages, however many there are.
    let one = db.run(
        "execute",
        "update t set name = 'x' where id = ?",
        "[{\"integer\":5000}]",
    );
    assert_eq!(show(&one), "1");
    let commit = one.commit.expect("it changed something");
    let written: usize = commit.values.iter().map(|(_, value)| value.len()).sum();
    assert!(written < 20_000, "{written}");
    assert!(one.fuel < 100_000_000, "{}", one.fuel);
    let witness = one.witness.expect("it was asked for");
    assert!(witness.len() < 40_000, "{}", witness.len());
    assert!(
        filled.fuel > 100 * one.fuel / 10,
        "{} {}",
        filled.fuel,
        one.fuel
    );
}

#[test]
fn a_full_state_is_a_full_disk_to_it_and_nothing_is_lost() {
    let mut db = Database::new();
    db.state.bytes = 128 << 10;
    db.execute("create table t (data blob)", "[]");
    let put = |rows: u32| {
        format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
             insert into t select randomblob(4000) from n"
        )
    };
    assert_eq!(db.execute(&put(5), "[]"), "5");
    let before = db.root;
    let failed = db.execute(&put(100), "[]");
    assert!(
        failed.starts_with("guest/err") && failed.contains("database or disk is full"),
        "{failed}"
    );
    assert_eq!(db.root, before);
    assert_eq!(db.execute(&put(1), "[]"), "1");
    assert_eq!(
        db.query("select count(*) as n from t", "[]"),
        r#"{"columns":["n"],"rows":[[{"integer":6}]]}"#
    );
}

/// Passes on what it is asked.
fn front() -> Vec<u8> {
    let functions = ["execute", "query"];
    let each = |text: &dyn Fn(&str) -> String| functions.map(text).concat();
    let imports = each(&|name| {
        format!(
            r#"(import "weir:sqlite/api@0.1.0" "{name}" (func ${name} (param i32 i32 i32 i32 i32)))"#
        )
    });
    let exports = each(&|name| {
        format!(
            r#"(func (export "weir:sqlite/api@0.1.0#{name}") (param i32 i32 i32 i32) (result i32)
                (call ${name} (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 64))
                (i32.const 64))"#
        )
    });
    let wit = "package test:front; world front { import weir:sqlite/api@0.1.0; export weir:sqlite/api@0.1.0; }";
    let text = module(&exports).replacen("(module", &format!("(module {imports}"), 1);
    component_beside(
        &[include_str!("../../../../examples/sqlite/wit/sqlite.wit")],
        wit,
        &text,
    )
}

#[test]
fn behind_another_part_its_files_are_in_the_state_whichever_way_it_is_linked() {
    for link in ["", "link = \"host\"\n"] {
        let example = include_str!("../../../../examples/sqlite/weir.toml");
        let behind = format!(
            "[[part]]\nname = \"front\"\ncomponent = \"front.wasm\"\nfacade = true\n\n[[part]]\n{link}"
        );
        let text = example.replacen("[[part]]\n", &behind, 1).replacen(
            "sqlite.wasm\"\nfacade = true",
            "sqlite.wasm\"",
            1,
        );
        let manifest = Manifest::from_toml(&text).expect("the manifest is good");
        let sqlite = include_bytes!("../../../../examples/sqlite/sqlite.wasm").to_vec();
        let parts = BTreeMap::from([("front".to_owned(), front()), ("sqlite".to_owned(), sqlite)]);
        let composed = compose(&manifest, &parts).expect("the parts fit");
        let mut db = Database(Service::new("sqlite", load(&composed.component)));

        let mut run = |function: &str, sql: &str| {
            let arguments = Value::from(vec![Value::from(sql), json("[]")]).to_json();
            let evidence = Service::execute(&mut db, function, &arguments);
            let evidence = evidence.expect("it has a receipt");
            let verdict = block_on(db.module.replay(&evidence, 10_000));
            assert!(matches!(verdict, Verdict::Same), "{link}{sql}: {verdict:?}");
            evidence.receipt.receipt.outcome
        };
        let filling = "create table t (name text); insert into t values ('Ada'), ('Bob')";
        assert_eq!(run("execute", filling), Outcome::Ok);
        let again = "insert into t values ('Eve'); insert into nowhere values (1)";
        assert_eq!(run("execute", again), Outcome::GuestError);
        assert_eq!(run("query", "select * from t"), Outcome::Ok);
        assert_eq!(
            db.query("select group_concat(name) as names from t", "[]"),
            r#"{"columns":["names"],"rows":[[{"text":"Ada,Bob"}]]}"#
        );
    }
}
