//! A tree as lines. A node with one child goes on at the same level, so that a long to and fro between two peers
//! does not leave the screen.

use crate::output::Palette;

/// Draws nodes of a title and lines; `parents` are indices of earlier nodes.
pub(super) fn draw(
    parents: &[Option<usize>],
    nodes: &[(String, Vec<String>)],
    palette: &Palette,
) -> String {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut roots = Vec::new();
    for (node, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) if *parent < node => children[*parent].push(node),
            _ => roots.push(node),
        }
    }
    let (branch, last_branch, line) = palette.branches();
    let blank = " ".repeat(line.chars().count());
    let mut text = String::new();
    // What is still to be drawn, with the prefix of its first line and of the others.
    let mut open: Vec<(usize, String, String)> = roots
        .into_iter()
        .rev()
        .map(|root| (root, String::new(), String::new()))
        .collect();
    while let Some((node, first, rest)) = open.pop() {
        let (title, lines) = &nodes[node];
        let below = &children[node];
        let bar = if below.len() > 1 {
            line
        } else {
            blank.as_str()
        };
        text.push_str(&format!("{first}{title}\n"));
        for entry in lines {
            text.push_str(format!("{rest}{bar}{entry}").trim_end());
            text.push('\n');
        }
        if let [only] = below.as_slice() {
            open.push((*only, rest.clone(), rest));
            continue;
        }
        for (place, child) in below.iter().enumerate().rev() {
            let (mark, under) = if place + 1 == below.len() {
                (last_branch, blank.as_str())
            } else {
                (branch, line)
            };
            open.push((*child, format!("{rest}{mark}"), format!("{rest}{under}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Palette, draw};
    use expect_test::expect;

    #[test]
    fn branches_are_indented_and_chains_are_not() {
        let node = |title: &str, lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            (title.to_owned(), lines)
        };
        let nodes = [
            node("client", &["start"]),
            node("relay", &["noop"]),
            node("a", &["hello"]),
            node("b", &["hello"]),
            node("client", &["result"]),
        ];
        let parents = [None, Some(0), Some(1), Some(1), Some(2)];
        expect![[r"
            client
               start
            relay
            |  noop
            |- a
            |     hello
            |  client
            |     result
            `- b
                  hello
        "]]
        .assert_eq(&draw(&parents, &nodes, &Palette::plain()));
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let count = 100_000;
        let nodes = vec![("peer".to_owned(), Vec::new()); count];
        let parents: Vec<Option<usize>> = (0..count).map(|node| node.checked_sub(1)).collect();
        let text = draw(&parents, &nodes, &Palette::plain());
        assert_eq!(text.lines().count(), count);
    }
}
