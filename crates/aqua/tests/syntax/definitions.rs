//! Definitions.

use expect_test::expect;

use super::check;

#[test]
fn constants() {
    check(
        "const A = 1\nconst B_2 ?= \"x\"\nconst C=D\nconst E = Mod.F\nconst G ?=-1.5",
        &expect![[r#"
            (const A = 1)
            (const B_2 ?= "x")
            (const C = D)
            (const E = Mod.F)
            (const G ?= -1.5)
        "#]],
    );
}

#[test]
fn data_abilities_and_services() {
    check(
        "data D:\n  a: u32\n  b : []?string\nability A:\n    a: u32\n    f(x: u32) -> bool\n    g: u32, string -> ()\n    h: *u32\nservice S(\"id\"):\n  m: u32, string -> bool\n  n(a: u32) \n  o: -> ()\n  p() -> ()\nservice T (Mod.ID) :\n  m()\nservice U:\n  m()",
        &expect![[r#"
            (data D
              (a u32)
              (b []?string))
            (ability A
              (a u32)
              (f (x:u32 -> bool))
              (g (u32 string ->))
              (h *u32))
            (service S "id"
              (m (u32 string -> bool))
              (n (a:u32 ->))
              (o (->))
              (p (->)))
            (service T Mod.ID
              (m (->)))
            (service U
              (m (->)))
        "#]],
    );
}

#[test]
fn blocks_may_follow_each_other_without_a_blank_line() {
    check(
        "data A:\n  x: u32\ndata B:\n  x: u32\nfunc f():\n  g()\nfunc g():\n  f()\nconst A = 1\nconst B = 2",
        &expect![[r#"
            (data A
              (x u32))
            (data B
              (x u32))
            (func f (->)
              (<- (call g)))
            (func g (->)
              (<- (call f)))
            (const A = 1)
            (const B = 2)
        "#]],
    );
}

#[test]
fn names_have_the_case_of_their_kind() {
    check(
        "const maxSize = 1\nconst Max = 2\nalias id: u32\ndata d:\n  X: u32\nfunc F():\n  g()\nservice s:\n  m()",
        &expect![[r#"
            (const maxSize = 1)
            (const Max = 2)
            (alias id u32)
            (data d
              (X u32))
            (func F (->)
              (<- (call g)))
            (service s
              (m (->)))
            1:7 W0201: the name of a constant has only upper-case letters | "maxSize"
              help: write `MAX_SIZE`
              edit: "maxSize" to "MAX_SIZE"
            2:7 W0201: the name of a constant has only upper-case letters | "Max"
              help: write `MAX`
              edit: "Max" to "MAX"
            3:7 W0201: the name of a type starts with an upper-case letter | "id"
              help: write `Id`
              edit: "id" to "Id"
            4:6 W0201: the name of a type starts with an upper-case letter | "d"
              help: write `D`
              edit: "d" to "D"
            6:6 W0201: the name of a function starts with a lower-case letter | "F"
              help: write `f`
              edit: "F" to "f"
            8:9 W0201: the name of a service starts with an upper-case letter | "s"
              help: write `S`
              edit: "s" to "S"
        "#]],
    );
}

#[test]
fn mistakes_in_one_definition_leave_the_next_ones() {
    check(
        "const A <- 1\nconst B 2\nconst = 3\nalias C u32\nalias D = u32\ndata E\n  a: u32\ndata F:\n  a: u32,\n  b = u32\n  c\n  d(x: u32) -> u32\nservice G:\n  m: u32\n  n -> u32\n  o u32 -> u32\nability H\nfunc f:\n  x()\nfunc g -> u32:\n  <- 1\nfunc h a: u32:\n  x()\nfunc i() u32:\n  x()\nfunc j(\n  a: u32\n  b: u32\n):\n  x()\nfunc k():\n  x()",
        &expect![[r#"
            (const A = 1)
            (error)
            (error)
            (error)
            (alias D u32)
            (data E
              (a u32))
            (data F
              (a u32)
              (b u32))
            (service G
              (m u32)
              (n (-> u32)))
            (ability H)
            (func f (->)
              (<- (call x)))
            (func g (-> u32)
              (return 1))
            (error)
            (func i (-> u32)
              (<- (call x)))
            (error)
            (func k (->)
              (<- (call x)))
            1:9 W0201: expected `=`, found `<-` | "<-"
              help: write `=`
              edit: "<-" to "="
            2:9 W0201: expected `=` and the value of the constant, found `2` | "2"
            3:7 W0201: expected the name of a constant, found `=` | "="
            4:9 W0201: expected `:` and a type, found `u32` | "u32"
            5:9 W0201: expected `:`, found `=` | "="
              help: write `:`
              edit: "=" to ":"
            6:7 W0201: expected `:` after the data `E`, found the end of the line | ""
              help: add `:` at the end of the line
              edit: "" to ":"
            9:9 W0201: expected the end of the line, found `,` | ","
              help: every field stands in a line of its own, without commas
              edit: "," to ""
            10:5 W0201: expected `:`, found `=` | "="
              help: write `:`
              edit: "=" to ":"
            11:4 W0201: expected `:` and a type after `c`, found the end of the line | ""
            12:4 W0201: expected `:` and a type after `d`, found `(` | "("
            15:5 W0201: expected `(` and the arguments, found `->` | "->"
              help: without arguments, write `()`
              edit: "" to "()"
            16:5 W0201: expected `:` and a type after `o`, found `u32` | "u32"
            17:10 W0201: expected `:` after the ability `H`, found the end of the line | ""
              help: add `:` at the end of the line
              edit: "" to ":"
            18:7 W0201: expected `(` and the arguments, found `:` | ":"
              help: without arguments, write `()`
              edit: "" to "()"
            20:8 W0201: expected `(` and the arguments, found `->` | "->"
              help: without arguments, write `()`
              edit: "" to "()"
            22:8 W0201: expected `(` and the arguments, found `a` | "a"
            24:10 W0201: expected `->` before the types of the results, found `u32` | "u32"
              help: write `->` before them
              edit: "" to " ->"
            27:9 W0201: expected `)` after the arguments, found the end of the line | ""
              at 26:7: this `(` is not closed
              help: add `)` here
              edit: "" to ")"
        "#]],
    );
}

#[test]
fn what_is_no_definition_is_reported_once() {
    check(
        "aqua A\nfn f():\n  x()\n\n  y()\nstruct D:\n  a: u32\nx = 1\ny = 2\nif x:\n  y()\nfunk g():\n  x()\n@@@\n  const INDENTED = 1\n  const TOO = 2\nservce S:\n  m()\nconst END = 1",
        &expect![[r#"
            (aqua A)
            (error)
            (error)
            (error)
            (error)
            (const END = 1)
            2:1 W0201: expected a definition, found `fn` | "fn"
              help: write `func`
              edit: "fn" to "func"
            6:1 W0201: expected a definition, found `struct` | "struct"
              help: write `data`
              edit: "struct" to "data"
            12:1 W0201: expected a definition, found `funk` | "funk"
              help: write `func`
              edit: "funk" to "func"
            17:1 W0201: expected a definition, found `servce` | "servce"
              help: write `service`
              edit: "servce" to "service"
        "#]],
    );
}

#[test]
fn a_definition_without_lines_is_a_mistake() {
    check(
        "data D:\n\nservice S:\n-- nothing\nfunc f():\n",
        &expect![[r#"
            (data D)
            (service S)
            (func f (->))
            1:6 W0202: the data `D` has nothing below it | "D"
              help: indent at least one line below it
            3:9 W0202: the service `S` has nothing below it | "S"
              help: indent at least one line below it
            5:6 W0202: the function `f` has nothing below it | "f"
              help: indent at least one line below it
        "#]],
    );
}
