//! Types, documentation and the peer under the pointer.

use expect_test::{Expect, expect};
use weir_aqua_lsp::hover::hover;

use crate::fixture::Fixture;

fn check(text: &str, expected: Expect) {
    check_in(&[("main.aqua", text)], expected);
}

fn check_in(files: &[(&str, &str)], expected: Expect) {
    let fixture = Fixture::several(files);
    let found = hover(&fixture.analysis, fixture.file, fixture.offset);
    expected.assert_eq(&found.map_or_else(String::new, |(place, text)| {
        format!("[{}]\n{text}\n", fixture.analysis.text(place))
    }));
}

#[test]
fn a_function_shows_its_arguments_its_comment_and_where_it_is_called() {
    check(
        "aqua M declares *

-- Twice a number.
-- Not more.
func double(n: u32) -> u32:
  <- n + n

func four(peer: string) -> u32:
  on peer via HOST_PEER_ID:
    x <- dou$0ble(2)
  <- x
",
        expect![[r#"
            [double]
            ```aqua
            func double(n: u32) -> u32
            ```

            Twice a number.
            Not more.

            *runs on `peer` via `HOST_PEER_ID`*
        "#]],
    );
}

#[test]
fn a_local_shows_its_type() {
    check(
        "aqua M declares *
func f(names: []string) -> string:
  <- nam$0es[0]
",
        expect![[r#"
            [names]
            ```aqua
            names: []string
            ```

            *runs where the function is called*
        "#]],
    );
}

#[test]
fn a_definition_shows_itself_without_a_peer() {
    check(
        "aqua M declares *
data Point$0:
  x: i32
  y: i32
",
        expect![[r#"
            [Point]
            ```aqua
            data Point:
              x: i32
              y: i32
            ```
        "#]],
    );
}

#[test]
fn a_member_shows_whose_it_is() {
    check(
        "aqua M declares *
-- Counts.
service Counter(\"counter\"):
  -- Adds to it.
  add(n: u32) -> u32

func f() -> u32:
  x <- Counter.a$0dd(1)
  <- x
",
        expect![[r#"
            [add]
            ```aqua
            Counter.add(n: u32) -> u32
            ```

            Adds to it.

            *runs where the function is called*
        "#]],
    );
}

#[test]
fn a_built_in_name_says_what_it_is() {
    check(
        "aqua M declares *
func f() -> string:
  <- HOST_PEER_$0ID
",
        expect![[r#"
            [HOST_PEER_ID]
            ```aqua
            HOST_PEER_ID: string
            ```

            The relay of the peer that starts the script; that peer itself if there is none.

            *runs where the function is called*
        "#]],
    );
}

#[test]
fn a_literal_and_an_operation_show_their_types() {
    check(
        "aqua M declares *\nfunc f(n: u32) -> u32:\n  <- n +$0 1\n",
        expect![[r#"
            [n + 1]
            ```aqua
            u32
            ```

            *runs where the function is called*
        "#]],
    );
    check(
        "aqua M declares *\nfunc f() -> string:\n  <- \"te$0xt\"\n",
        expect![[r#"
            ["text"]
            ```aqua
            string
            ```

            *runs where the function is called*
        "#]],
    );
}

#[test]
fn closures_that_move_run_where_they_are_called() {
    check(
        "aqua M declares *
service S(\"s\"):
  one() -> u32
func f(peer: string) -> u32:
  on peer:
    get = func () -> u32:
      x <- S.on$0e()
      <- x
    y <- get()
  <- y
",
        expect![[r#"
            [one]
            ```aqua
            S.one() -> u32
            ```

            *runs where the closure is called*
        "#]],
    );
}

#[test]
fn a_file_with_mistakes_still_shows_what_is_understood() {
    check(
        "aqua M declares *
func broken( -> u32:
  x <-
func f(n: u32) -> u32:
  <- $0n +
func g(n: u32) -> u32:
  <- n
",
        expect![[r#"
            [n]
            ```aqua
            n: u32
            ```

            *runs where the function is called*
        "#]],
    );
    check(
        "aqua M declares *
func f(n: u32) -> u32:
  x = unknown(3)
  y = n$0 + x
  z = )
  <- y
",
        expect![[r#"
            [n]
            ```aqua
            n: u32
            ```

            *runs where the function is called*
        "#]],
    );
}

#[test]
fn a_module_shows_its_name_its_file_and_its_comment() {
    let units = "-- Lengths and weights.\naqua Units declares *\nconst METER = 1\n";
    let main = |text: &str| format!("aqua Main declares *\n{text}");
    let used = "use \"units.aqua\"\nfunc f() -> u32:\n  <- Un$0its.METER\n";
    check_in(
        &[("units.aqua", units), ("main.aqua", &main(used))],
        expect![[r#"
            [Units]
            ```aqua
            aqua Units -- /work/units.aqua
            ```

            Lengths and weights.
        "#]],
    );
    let alias = "use \"units.aqua\" as U\nfunc f() -> u32:\n  <- U$0.METER\n";
    check_in(
        &[("units.aqua", units), ("main.aqua", &main(alias))],
        expect![[r#"
            [U]
            ```aqua
            aqua Units -- /work/units.aqua
            ```

            Lengths and weights.
        "#]],
    );
    let given = "use \"units.aqua\" as U$0\n";
    check_in(
        &[("units.aqua", units), ("main.aqua", &main(given))],
        expect![[r#"
            [U]
            ```aqua
            aqua Units -- /work/units.aqua
            ```

            Lengths and weights.
        "#]],
    );
    let path = "use \"un$0its.aqua\" as U\n";
    check_in(
        &[("units.aqua", units), ("main.aqua", &main(path))],
        expect![[r#"
            ["units.aqua"]
            ```aqua
            /work/units.aqua
            ```

            Lengths and weights.
        "#]],
    );
    check(
        "-- All.\naqua Ma$0in declares *\nconst ONE = 1\n",
        expect![[r#"
            [Main]
            ```aqua
            aqua Main -- /work/main.aqua
            ```

            All.
        "#]],
    );
}
