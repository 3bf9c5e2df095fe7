//! Comments as HTML.
//!
//! Whoever writes a program writes its comments, and whoever opens the pages may trust neither. Nothing of a comment
//! reaches a page but the elements that Markdown has words for: HTML stands in the page as text, links lead only where
//! a click does no more than open something, and images, which a browser would fetch unasked, become links.

use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// What a link may begin with.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// A comment in Markdown that stands below a heading of that level.
pub(super) fn html(markdown: &str, level: usize) -> String {
    let mut links = Links::default();
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    let events = parser.filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Heading {
            level: own,
            id,
            classes,
            attrs,
        }) => Some(Event::Start(Tag::Heading {
            level: below(level, own),
            id,
            classes,
            attrs,
        })),
        Event::End(TagEnd::Heading(own)) => Some(Event::End(TagEnd::Heading(below(level, own)))),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => links.start(&dest_url).then_some(Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        })),
        Event::Start(Tag::Image {
            dest_url,
            title,
            id,
            ..
        }) => links.start(&dest_url).then_some(Event::Start(Tag::Link {
            link_type: LinkType::Inline,
            dest_url,
            title,
            id,
        })),
        Event::End(TagEnd::Link | TagEnd::Image) => links.end().then_some(Event::End(TagEnd::Link)),
        other => Some(other),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

/// The links around a place: for each, whether it is one in the page too.
#[derive(Default)]
struct Links {
    open: Vec<bool>,
}

impl Links {
    /// Whether what starts there becomes a link. There are no links in links.
    fn start(&mut self, target: &str) -> bool {
        let is_link = is_harmless(target) && !self.open.contains(&true);
        self.open.push(is_link);
        is_link
    }

    fn end(&mut self) -> bool {
        self.open.pop().unwrap_or(false)
    }
}

/// Whether a link leads to a page, a file beside this one, or a mail.
///
/// Browsers overlook spaces and control characters in front of a scheme and inside of it; what bears them is no scheme
/// of ours.
fn is_harmless(target: &str) -> bool {
    let head = target.split(['/', '?', '#']).next().unwrap_or_default();
    match head.split_once(':') {
        None => true,
        Some((scheme, _)) => SCHEMES.iter().any(|ours| ours.eq_ignore_ascii_case(scheme)),
    }
}

/// The level of a heading in a comment: the outline of the page stays whole.
fn below(level: usize, own: HeadingLevel) -> HeadingLevel {
    HeadingLevel::try_from(level + own as usize).unwrap_or(HeadingLevel::H6)
}
