//! Colours and glyphs. Colour never carries meaning alone.

use anstyle::{AnsiColor, Style};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal that can, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What one stream can show.
#[derive(Clone, Debug)]
pub(crate) struct Palette {
    color: bool,
    unicode: bool,
    terminal: bool,
}

impl Palette {
    /// Decides by flag, environment and kind of stream.
    pub(crate) fn detect(choice: ColorChoice, terminal: bool) -> Self {
        Self::decide(choice, terminal, |name| std::env::var(name).ok())
    }

    /// Neither colours nor glyphs beyond ASCII.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self {
            color: false,
            unicode: false,
            terminal: false,
        }
    }

    fn decide(choice: ColorChoice, terminal: bool, env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let forced = |name: &str| env(name).is_some_and(|value| !value.is_empty() && value != "0");
        let is_dumb = env("TERM").is_some_and(|term| term == "dumb");
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if set("NO_COLOR") => false,
            ColorChoice::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
            ColorChoice::Auto => terminal && !is_dumb,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| env(name).filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        Self {
            color,
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
            terminal: terminal && !is_dumb,
        }
    }

    /// Whether a line on the stream can be written over.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub(crate) fn error(&self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn warning(&self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default().bold(), text)
    }

    pub(crate) fn success(&self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Stands before what is done.
    pub(crate) fn check(&self) -> String {
        self.success(if self.unicode { "✓" } else { "ok" })
    }

    /// Stands before what failed.
    pub(crate) fn cross(&self) -> String {
        self.error(if self.unicode { "✗" } else { "x" })
    }

    /// Stands for what was left out of an id.
    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { ".." }
    }

    /// Separates short statements on one line.
    pub(crate) fn dot(&self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }

    /// Stands between a question and its answer.
    pub(crate) fn arrow(&self) -> &'static str {
        if self.unicode { "→" } else { "->" }
    }

    /// The branch of a tree that goes on below, and the last one.
    pub(crate) fn branches(&self) -> (&'static str, &'static str, &'static str) {
        if self.unicode {
            ("├─ ", "└─ ", "│  ")
        } else {
            ("|- ", "`- ", "|  ")
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ColorChoice, Palette};

    fn colored(choice: ColorChoice, terminal: bool, env: &[(&str, &str)]) -> bool {
        let find = |name: &str| {
            env.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Palette::decide(choice, terminal, find).color
    }

    #[test]
    fn colour_follows_flag_then_environment_then_terminal() {
        use ColorChoice::{Always, Auto, Never};
        assert!(colored(Auto, true, &[]));
        assert!(!colored(Auto, false, &[]));
        assert!(!colored(Auto, true, &[("NO_COLOR", "1")]));
        assert!(colored(Auto, true, &[("NO_COLOR", "")]));
        assert!(!colored(Auto, true, &[("TERM", "dumb")]));
        assert!(colored(Auto, false, &[("CLICOLOR_FORCE", "1")]));
        assert!(colored(Auto, false, &[("FORCE_COLOR", "1")]));
        assert!(!colored(Auto, false, &[("FORCE_COLOR", "0")]));
        assert!(!colored(
            Auto,
            false,
            &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]
        ));
        assert!(colored(Always, false, &[("NO_COLOR", "1")]));
        assert!(!colored(Never, true, &[("FORCE_COLOR", "1")]));
    }

    #[test]
    fn lines_are_written_over_only_where_the_terminal_can() {
        let moves = |term: &'static str, terminal| {
            let env = |name: &str| (name == "TERM").then(|| term.to_owned());
            Palette::decide(ColorChoice::Always, terminal, env).is_terminal()
        };
        assert!(moves("xterm", true));
        assert!(!moves("dumb", true));
        assert!(!moves("xterm", false));
    }

    #[test]
    fn glyphs_fall_back_to_ascii_outside_utf8_locales() {
        let glyphs = |locale: &str| {
            let value = locale.to_owned();
            Palette::decide(ColorChoice::Never, true, |name| {
                (name == "LC_ALL").then(|| value.clone())
            })
            .check()
        };
        assert_eq!(glyphs("C"), "ok");
        assert_eq!(glyphs("en_GB.UTF-8"), "✓");
    }
}
