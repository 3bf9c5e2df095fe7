//! What people read when a statement is wrong. One mistake gives one diagnostic.

use expect_test::expect;

use super::{check, check_mistakes, in_function};

#[test]
fn words_of_other_languages() {
    check(
        &in_function(
            "let x = 1\nvar y <- f()\nreturn x\nwhile a:\n  b()\nif a and b:\n  c()\nif a then\n  c()\nfor x in xs:\n  c()\nfor x = xs:\n  c()\nif a:\n  b()\nelif c:\n  d()\nelseif e:\n  g()\nelse:\n  h()\n",
        ),
        &expect![[r#"
            (func f (->)
              (= x 1)
              (<- y (call f))
              (return x)
              (error)
              (if a
                (<- (call c)))
              (if a
                (<- (call c)))
              (for x xs
                (<- (call c)))
              (for x xs
                (<- (call c)))
              (if a
                (<- (call b)))
              (else
                (if c
                  (<- (call d)))
                (else
                  (if e
                    (<- (call g)))
                  (else
                    (<- (call h))))))
            2:3 W0201: `let` is not needed here | "let "
              help: leave it out
              edit: "let " to ""
            3:3 W0201: `var` is not needed here | "var "
              help: leave it out
              edit: "var " to ""
            4:3 W0201: there is no `return` | "return"
              help: results stand behind `<-`
              edit: "return" to "<-"
            5:3 W0201: there is no `while` | "while"
              help: iterate over a stream: `for item <- stream rec:`
            7:8 W0201: expected `:` after `if`, found `and` | "and"
              help: write `&&`
              edit: "and" to "&&"
            9:8 W0201: expected `:` after `if`, found `then` | "then"
              help: write `:`
              edit: "then" to ":"
            11:9 W0201: expected `<-` after the name of the element, found `in` | "in"
              help: write `<-`
              edit: "in" to "<-"
            13:9 W0201: expected `<-` after the name of the element, found `=` | "="
              help: write `<-`
              edit: "=" to "<-"
            17:3 W0201: there is no `elif` | "elif"
              help: write `else if`
              edit: "elif" to "else if"
            19:3 W0201: there is no `elseif` | "elseif"
              help: write `else if`
              edit: "elseif" to "else if"
        "#]],
    );
}

#[test]
fn signs_of_other_languages() {
    check_mistakes(
        &in_function(
            "x = 1;\ny = 'a'\nif a = b:\n  c()\nx += 1\nx = 1 // c\n// c\n# c\nx = a & b\nx = a | b\nif a {\n  b()\nx = y ?? z\nx.y = 1\nx.y <<- 1\nx: u32 = 1\na, b = f()\nx\u{a0}= 1",
        ),
        &expect![[r##"
            2:8 W0201: expected the end of the line, found `;` | ";"
              help: a statement ends with its line
              edit: ";" to ""
            3:7 W0201: expected a value, found `'` | "'"
              help: a string stands between `"`
            4:8 W0201: `=` does not compare | "="
              help: write `==`
              edit: "=" to "=="
            6:6 W0201: expected a value after `+`, found `=` | "="
              help: a value cannot be changed; give the new one another name
            7:10 W0201: expected a value after `/`, found `/` | "/"
              help: a comment starts with `--`
              edit: "//" to "--"
            8:3 W0201: expected a value, found `/` | "/"
              help: a comment starts with `--`
              edit: "//" to "--"
            9:3 W0201: expected a value, found `#` | "#"
              help: a comment starts with `--`
              edit: "#" to "--"
            10:9 W0201: expected the end of the line, found `&` | "&"
              help: write `&&`
              edit: "&" to "&&"
            11:9 W0201: expected the end of the line, found `|` | "|"
              help: write `||`
              edit: "|" to "||"
            12:8 W0201: expected `:` after `if`, found `{` | "{"
              help: a block starts with `:` and is indented; there are no braces
            14:9 W0201: expected the end of the line, found `?` | "?"
            15:7 W0201: expected the end of the line, found `=` | "="
              help: only a name can be given a value; to change a field, copy: `x.copy(field = value)`
            16:7 W0201: expected the end of the line, found `<<-` | "<<-"
              help: only a stream with a name can be pushed to
            17:10 W0201: expected the end of the line, found `=` | "="
              help: a value is given without its type: `name = value`
            18:8 W0201: expected `<-` and a call after the names of its results, found `=` | "="
              help: write `<-`
              edit: "=" to "<-"
            19:4 W0201: expected the end of the line, found ` ` | "\u{a0}"
              help: write an ordinary space
              edit: "\u{a0}" to " "
        "##]],
    );
}

#[test]
fn what_is_left_of_a_line() {
    check_mistakes(
        &in_function("x f()\nf() g()\nx = 1 2\n<- 1)\njoin a + b\nS \"id\" x\nx y"),
        &expect![[r#"
            2:5 W0201: expected the end of the line, found `f` | "f"
              help: to name a result, write `x <- …`
            3:7 W0201: expected the end of the line, found `g` | "g"
            4:9 W0201: expected the end of the line, found `2` | "2"
            5:7 W0201: expected the end of the line, found `)` | ")"
            6:10 W0201: expected the end of the line, found `+` | "+"
            7:10 W0201: expected the end of the line, found `x` | "x"
            8:5 W0201: expected the end of the line, found `y` | "y"
              help: to name a result, write `x <- …`
        "#]],
    );
}

#[test]
fn strings_that_are_not_closed() {
    check_mistakes(
        &in_function("x = \"abc\ny = 1"),
        &expect![[r#"
        2:7 W0205: the string is not closed | "\"abc"
          help: add `"` at its end
          edit: "" to "\""
    "#]],
    );
    check_mistakes(
        &in_function("x = \"abc\ny = \"def\"\nz = 1"),
        &expect![[r#"
            3:8 W0201: expected the end of the line, found `def` | "def"
              at 2:7: the string before starts in this line
        "#]],
    );
    check_mistakes(
        &in_function("f(\"abc)\ny = 1"),
        &expect![[r#"
            2:5 W0205: the string is not closed | "\"abc)"
              help: add `"` at its end
              edit: "" to "\""
        "#]],
    );
}

#[test]
fn brackets_that_are_not_closed() {
    check(
        "func f():\n  x = g(1, [2, 3)\n  y = h(1,\n  z = [\n    1,\n    2\n  a()\n\nfunc g(a: u32\n  b()\n\nfunc h():\n  c()",
        &expect![[r#"
            (func f (->)
              (= x error)
              (= y error)
              (<- (call a)))
            (error)
            (func h (->)
              (<- (call c)))
            2:17 W0201: expected `]` after the elements, found `)` | ")"
              at 2:12: this `[` is not closed
            6:6 W0201: expected `]` after the elements, found the end of the line | ""
              at 4:7: this `[` is not closed
              help: add `]` here
              edit: "" to "]"
            9:14 W0201: expected `)` after the arguments, found the end of the line | ""
              at 9:7: this `(` is not closed
              help: add `)` here
              edit: "" to ")"
        "#]],
    );
}

#[test]
fn a_mistake_inside_brackets_over_several_lines_is_one() {
    check(
        &in_function("x = f(\n  1 1,\n  g(2),\n  3\n)\ny = 2"),
        &expect![[r#"
            (func f (->)
              (= x error)
              (= y 2))
            3:7 W0201: expected `,` or `)` after the arguments, found `1` | "1"
        "#]],
    );
}
