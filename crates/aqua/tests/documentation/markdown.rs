//! Pages in Markdown.

use crate::program::{Texts, written};
use expect_test::expect;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use weir_aqua::emit::{Page, PageFormat, documentation};
use weir_aqua::{Request, compile};

/// The pages of all files, without the one that leads to them.
fn pages(files: &[(&str, &str)]) -> Vec<Page> {
    let mut pages = written(files, PageFormat::Markdown);
    pages.retain(|page| page.file.is_some());
    pages
}

const SHOP: &str = r#"
-- A shop that sells *things*.
--
-- It is small.
aqua Shop declares Item, price_of, CURRENCY, Prices

import Length from "units.aqua"

export buy as order, Till

-- What prices are in.
const CURRENCY = "euro"
const HIDDEN = 1

-- Something on a shelf.
data Item:
  -- What it is called.
  name: string
  -- How long it is,
  -- if that is known.
  length: ?Length
  box: []Box

-- Needed by `Item` only.
data Box:
  id: u32

data Unused:
  id: u32

-- By name.
alias Prices: []Price
alias Price: u32

-- Takes money.
service Till("till"):
  -- Opens the till.
  open(price: Price) -> bool
  close: Item -> ()

-- Keeps things.
ability Shelf:
  -- How many there are.
  count: u32
  -- Takes one.
  take(name: string) -> ?Item

-- Looks a price up.
--
-- - fast
-- - simple
func price_of{Shelf}(item: Item, other: Item) -> Price:
  <- 1

-- Buys something.
func buy(
  name: string, -- of the item
  count: u32
) -> []Item:
  <- []

-- Helps.
func helper():
  x = 1
"#;

const UNITS: &str = r#"
aqua Units declares Length

-- Millimetres.
data Length:
  value: u64
"#;

#[test]
fn a_page_has_what_is_declared_and_exported_and_the_types_that_it_needs() {
    let pages = pages(&[("shop.aqua", SHOP), ("units.aqua", UNITS)]);
    let [shop, units] = pages.as_slice() else {
        panic!("a page for each file");
    };
    assert_eq!(
        (shop.name.as_str(), units.name.as_str()),
        ("shop.md", "units.md")
    );
    expect![[r##"
        # Shop

        A shop that sells *things*.

        It is small.

        ## Functions

        ### func price_of

        ```aqua
        func price_of{Shelf}(item: Item, other: Item) -> Price
        ```

        Looks a price up.

        - fast
        - simple

        Types: [`Shelf`](#ability-shelf), [`Item`](#data-item), [`Price`](#alias-price)

        ### func buy

        ```aqua
        func buy(
          name: string, -- of the item
          count: u32
        ) -> []Item
        ```

        Exported as `order`.

        Buys something.

        Types: [`Item`](#data-item)

        ## Services

        ### service Till

        ```aqua
        service Till("till")
        ```

        Exported as `Till`.

        Takes money.

        #### open

        ```aqua
        open(price: Price) -> bool
        ```

        Opens the till.

        Types: [`Price`](#alias-price)

        #### close

        ```aqua
        close: Item -> ()
        ```

        Types: [`Item`](#data-item)

        ## Types

        ### data Item

        Something on a shelf.

        - `name`: `string` – What it is called.
        - `length`: `?`[`Length`](units.md#data-length) – How long it is, if that is known.
        - `box`: `[]`[`Box`](#data-box)

        ### data Box

        Needed by `Item` only.

        - `id`: `u32`

        ### alias Prices

        ```aqua
        alias Prices: []Price
        ```

        By name.

        Types: [`Price`](#alias-price)

        ### alias Price

        ```aqua
        alias Price: u32
        ```

        ### ability Shelf

        Keeps things.

        #### count

        ```aqua
        count: u32
        ```

        How many there are.

        #### take

        ```aqua
        take(name: string) -> ?Item
        ```

        Takes one.

        Types: [`Item`](#data-item)

        ## Constants

        ### const CURRENCY

        ```aqua
        const CURRENCY = "euro"
        ```

        What prices are in.
    "##]]
    .assert_eq(&shop.text);
    expect![[r#"
        # Units

        ## Types

        ### data Length

        Millimetres.

        - `value`: `u64`
    "#]]
    .assert_eq(&units.text);
}

#[test]
fn types_of_files_that_have_no_page_are_not_linked() {
    let files = [("shop.aqua", SHOP), ("units.aqua", UNITS)];
    let request = Request {
        entries: vec![PathBuf::from("shop.aqua")],
        ..Request::default()
    };
    let compilation = compile(&request, &Texts(&files)).expect("the files are there");
    let pages = documentation(&compilation, PageFormat::Markdown);
    assert_eq!(pages.len(), 1);
    assert!(
        pages[0].text.contains("- `length`: `?Length` – How long"),
        "{}",
        pages[0].text
    );
}

#[test]
fn pages_and_headings_that_would_have_the_same_name_are_numbered() {
    let text =
        "aqua Twice declares *\n\ndata Ab:\n  x: u8\n\ndata AB:\n  y: Ab\n\nalias Both: AB\n";
    let pages = pages(&[("a/one.aqua", text), ("b/One.aqua", text)]);
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    assert_eq!(names, ["one.md", "One-1.md"]);
    expect![[r#"
        # Twice

        ## Types

        ### data Ab

        - `x`: `u8`

        ### data AB

        - `y`: [`Ab`](#data-ab)

        ### alias Both

        ```aqua
        alias Both: AB
        ```

        Types: [`AB`](#data-ab-1)
    "#]]
    .assert_eq(&pages[0].text);
}

#[test]
fn a_file_without_a_name_is_called_as_it_is() {
    let pages = pages(&[("plain.aqua", "-- Not about the file.\nconst ONE = 1\n")]);
    expect![[r#"
        # plain.aqua

        ## Constants

        ### const ONE

        ```aqua
        const ONE = 1
        ```

        Not about the file.
    "#]]
    .assert_eq(&pages[0].text);
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
    let mut anchors = BTreeSet::new();
    for page in &pages {
        for heading in page
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("### "))
        {
            let anchor = heading.to_lowercase().replace(' ', "-");
            anchors.insert(format!("{}#{anchor}", page.name));
        }
    }
    let mut count = 0;
    for page in &pages {
        for link in page.text.split("](").skip(1) {
            let target = link.split(')').next().expect("an end");
            let target = match target.strip_prefix('#') {
                Some(anchor) => format!("{}#{anchor}", page.name),
                None => target.to_owned(),
            };
            assert!(anchors.contains(&target), "{}: {target}", page.name);
            count += 1;
        }
    }
    assert!(count > 20, "{count} links");
}

#[test]
fn a_page_leads_to_several_and_is_not_called_as_one_of_them() {
    let files = [
        (
            "shop.aqua",
            "-- A shop.\n-- It is small.\n--\n-- More.\naqua Shop declares *\n",
        ),
        ("a b/In#dex (1).aqua", "const ONE = 1\n"),
        ("index.aqua", "aqua Front declares *\n"),
    ];
    let pages = written(&files, PageFormat::Markdown);
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    assert_eq!(
        names,
        ["index.md", "shop.md", "In#dex (1).md", "index-1.md"]
    );
    expect![[r#"
        # Programs

        - [Shop](shop.md) – A shop. It is small.
        - [In#dex (1).aqua](In%23dex%20%281%29.md)
        - [Front](index-1.md)
    "#]]
    .assert_eq(&pages[0].text);
    let alone = written(&files[2..], PageFormat::Markdown);
    let names: Vec<&str> = alone.iter().map(|page| page.name.as_str()).collect();
    assert_eq!(names, ["index.md"], "one page needs none that leads to it");
}
