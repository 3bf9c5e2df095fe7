//! Pages in HTML.

use crate::program::written;
use expect_test::expect;
use std::collections::BTreeSet;
use std::path::Path;
use weir_aqua::emit::{Page, PageFormat};

fn pages(files: &[(&str, &str)]) -> Vec<Page> {
    written(files, PageFormat::Html)
}

/// What a page shows.
fn body(page: &Page) -> &str {
    let (head, body) = page.text.split_once("<body>\n").expect("a body");
    assert!(
        head.starts_with("<!DOCTYPE html>\n<html lang=\"en\">\n"),
        "{head}"
    );
    assert!(head.contains("prefers-color-scheme: dark"), "{head}");
    body
}

/// The HTML of a comment.
fn comment(markdown: &str) -> String {
    let lines: Vec<String> = markdown.lines().map(|line| format!("-- {line}")).collect();
    let text = format!(
        "aqua One declares *\n\n{}\nconst ONE = 1\n",
        lines.join("\n")
    );
    let pages = pages(&[("one.aqua", &text)]);
    let body = body(&pages[0]);
    let (_, rest) = body.split_once("</code></pre>\n").expect("the constant");
    rest.split_once("</article>").expect("its end").0.to_owned()
}

const SHOP: &str = r#"
-- A shop that sells *things*.
aqua Shop declares Item

import Length from "units.aqua"

export buy as order

data Item:
  -- What it is called.
  name: string
  length: ?Length

service Till("till"):
  -- Opens the till.
  open(item: Item) -> bool

-- Buys something.
func buy(name: string) -> []Item:
  <- []
"#;

const UNITS: &str = "aqua Units declares Length\n\n-- Millimetres.\ndata Length:\n  value: u64\n";

#[test]
fn a_page_has_contents_anchors_and_links() {
    let pages = pages(&[("shop.aqua", SHOP), ("units.aqua", UNITS)]);
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    assert_eq!(names, ["index.html", "shop.html", "units.html"]);
    assert!(pages[1].text.contains("<title>Shop</title>"));
    expect![[r#"
        <main>
        <h1>Programs</h1>
        <dl>
        <dt><a href="shop.html">Shop</a></dt>
        <dd>
        <p>A shop that sells <em>things</em>.</p>
        </dd>
        <dt><a href="units.html">Units</a></dt>
        <dd>
        </dd>
        </dl>
        </main>
        </body>
        </html>
    "#]]
    .assert_eq(body(&pages[0]));
    expect![[r##"
        <nav>
        <p><a href="index.html">All pages</a></p>
        <p><a href="#functions">Functions</a></p>
        <ul>
        <li><a href="#func-buy">buy</a></li>
        </ul>
        <p><a href="#types">Types</a></p>
        <ul>
        <li><a href="#data-item">Item</a></li>
        </ul>
        </nav>
        <main>
        <h1>Shop</h1>
        <p>A shop that sells <em>things</em>.</p>
        <section id="functions">
        <h2>Functions</h2>
        <article id="func-buy">
        <h3><a href="#func-buy"><span>func</span> buy</a></h3>
        <pre><code>func buy(name: string) -&gt; []Item</code></pre>
        <p>Exported as <code>order</code>.</p>
        <p>Buys something.</p>
        <p>Types: <a href="#data-item"><code>Item</code></a></p>
        </article>
        </section>
        <section id="types">
        <h2>Types</h2>
        <article id="data-item">
        <h3><a href="#data-item"><span>data</span> Item</a></h3>
        <dl>
        <dt id="data-item.name"><code>name</code>: <code>string</code></dt>
        <dd>
        <p>What it is called.</p>
        </dd>
        <dt id="data-item.length"><code>length</code>: <code>?</code><a href="units.html#data-length"><code>Length</code></a></dt>
        </dl>
        </article>
        </section>
        </main>
        </body>
        </html>
    "##]].assert_eq(body(&pages[1]));
}

#[test]
fn comments_are_markdown_below_the_heading_of_what_they_describe() {
    expect![[r#"
        <h4>One</h4>
        <p>A <strong>bold</strong> <code>word</code>, a <a href="two.html">page</a> and <a href="https://example.org/?a=1&amp;b=2">another</a>.</p>
        <ul>
        <li>first</li>
        <li>second</li>
        </ul>
        <table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>
        <tr><td>1</td><td>2</td></tr>
        </tbody></table>
        <pre><code class="language-aqua">x &lt;- f()
        </code></pre>
    "#]].assert_eq(&comment(
        "# One\n\nA **bold** `word`, a [page](two.html) and [another](https://example.org/?a=1&b=2).\n\n\
         - first\n- second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```aqua\nx <- f()\n```",
    ));
}

#[test]
fn nothing_in_a_comment_can_run_or_load() {
    expect![[r#"
        <p>&lt;script&gt;alert(1)&lt;/script&gt;
        </p>
        <p>A &lt;b onclick="alert(2)"&gt;word&lt;/b&gt; &amp; &lt;!-- more --&gt;</p>
        <p>a b c d
        e f g h
        javascript:alert(10) <a href="https://example.org" title="q&quot; onclick=x">j</a></p>
        <p><a href="https://example.org/k.png">k</a> l <a href="m.html">m n o</a></p>
    "#]].assert_eq(&comment(
        "<script>alert(1)</script>\n\nA <b onclick=\"alert(2)\">word</b> & <!-- more -->\n\n\
         [a](javascript:alert(3)) [b](JaVaScRiPt:alert(4)) [c](data:text/html,5) [d](vbscript:6)\n\
         [e](javascript&colon;alert(7)) [f](&#1;javascript:alert(8)) [g](java&Tab;script:alert(9)) [h][i]\n\
         <javascript:alert(10)> [j](https://example.org \"q\\\" onclick=x\")\n\n\
         ![k](https://example.org/k.png) ![l](data:image/svg+xml,11) [m ![n](n.png) o](m.html)\n\n\
         [i]: file:///etc/passwd\n",
    ));
}

#[test]
fn names_of_files_are_text_and_not_html() {
    let files = [
        ("<b>&\"'.aqua", "const ONE = 1\n"),
        ("javascript:x.aqua", "const ONE = 1\n"),
    ];
    let pages = pages(&files);
    expect![[r#"
        <main>
        <h1>Programs</h1>
        <dl>
        <dt><a href="%3Cb%3E%26%22%27.html">&lt;b&gt;&amp;&quot;&#39;.aqua</a></dt>
        <dd>
        </dd>
        <dt><a href="javascript%3Ax.html">javascript:x.aqua</a></dt>
        <dd>
        </dd>
        </dl>
        </main>
        </body>
        </html>
    "#]]
    .assert_eq(body(&pages[0]));
    assert!(
        pages[1]
            .text
            .contains("<title>&lt;b&gt;&amp;&quot;&#39;.aqua</title>"),
        "{}",
        pages[1].text
    );
}

#[test]
fn links_of_the_standard_declarations_lead_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../aqua/std");
    let names = [
        "blocks.aqua",
        "builtin.aqua",
        "math.aqua",
        "subnet.aqua",
        "workers.aqua",
    ];
    let texts = names.map(|name| std::fs::read_to_string(folder.join(name)).expect("it is there"));
    let files: Vec<(&str, &str)> = names
        .into_iter()
        .zip(texts.iter().map(String::as_str))
        .collect();
    let pages = pages(&files);
    let mut anchors: BTreeSet<String> = pages.iter().map(|page| page.name.clone()).collect();
    for page in &pages {
        for id in page.text.split(" id=\"").skip(1) {
            let id = id.split('"').next().expect("an end");
            assert!(
                anchors.insert(format!("{}#{id}", page.name)),
                "{} has two {id}",
                page.name
            );
        }
    }
    let mut count = 0;
    for page in &pages {
        for link in page.text.split("<a href=\"").skip(1) {
            let target = link.split('"').next().expect("an end");
            let target = match target.strip_prefix('#') {
                Some(anchor) => format!("{}#{anchor}", page.name),
                None => target.to_owned(),
            };
            assert!(anchors.contains(&target), "{}: {target}", page.name);
            count += 1;
        }
    }
    assert!(count > 200, "{count} links");
}
