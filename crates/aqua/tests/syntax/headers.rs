//! What stands before the definitions.

use expect_test::expect;

use super::check;

#[test]
fn all_forms() {
    check(
        "aqua Some.Lib declares a, B, c.D,\n  e\n\nimport \"f\"\nimport a, B as C, x.y as z from \"g\"\nuse \"h\"\nuse \"h\" as X.y\nuse a as b, C from \"i\" as D\nuse a from \"j\"\nexport a, S as T,\n  from as as\n",
        &expect![[r#"
            (aqua Some.Lib declares a B c.D e)
            (import "f")
            (import a B=C x.y=z "g")
            (use "h")
            (use "h" as X.y)
            (use a=b C "i" as D)
            (use a "j")
            (export a S=T from=as)
        "#]],
    );
}

#[test]
fn names_may_look_like_keywords() {
    check(
        "aqua declares declares declares\nimport from from \"a\"\nimport as as as from \"b\"\nuse from as from, as from \"c\" as as",
        &expect![[r#"
            (aqua declares declares declares)
            (import from "a")
            (import as=as "b")
            (use from=from as "c" as as)
        "#]],
    );
}

#[test]
fn old_headers_and_none() {
    check(
        "module X declares *\n\nimport \"a\"",
        &expect![[r#"
        (module X declares *)
        (import "a")
    "#]],
    );
    check(
        "\n\nexport f\nimport \"a\"\naqua   X   declares\t*  \n",
        &expect![[r#"
            (export f)
            (import "a")
            (aqua X declares *)
        "#]],
    );
    check(
        "import \"a\"\nfunc f():\n  g()",
        &expect![[r#"
        (import "a")
        (func f (->)
          (<- (call g)))
    "#]],
    );
}

#[test]
fn lists_may_end_with_a_comma() {
    check(
        "aqua X declares a,\nimport a, b, from \"a\"\nexport a, b as c,\n\nfunc f():\n  <- a,\nfunc g():\n  join a,",
        &expect![[r#"
            (aqua X declares a)
            (import a b "a")
            (export a b=c)
            (func f (->)
              (return a))
            (func g (->)
              (join a))
        "#]],
    );
}

#[test]
fn only_a_header() {
    check(
        "aqua X",
        &expect![[r#"
        (aqua X)
    "#]],
    );
}

#[test]
fn mistakes_in_the_header() {
    check(
        "aqua X declares\nimport a \"b\"\nimport \"a\" as X\nuse a from b\nexport\nimport \"open\nexport f,\nfunc f():\n  g()\nimport \"late\"\nfunc h():\n  g()",
        &expect![[r#"
            (import "a")
            (import "open\nexport f,\nfunc f():\n  g()\nimport ")
            (func h (->)
              (<- (call g)))
            1:16 W0201: expected `*` or the names that are declared, found the end of the line | ""
            2:10 W0201: expected `from` and a path after the names, found the string `"b"` | "\"b\""
            3:12 W0201: expected the end of the line, found `as` | "as"
              help: `use` gives what it reads a name, `import` does not
            4:12 W0201: expected a path in quotes after `from`, found `b` | "b"
            5:7 W0201: expected the name of a function or a service, found the end of the line | ""
            10:9 W0201: expected the end of the line, found `late` | "late"
              at 6:8: the string before starts in this line
        "#]],
    );
}
