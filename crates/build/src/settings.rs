//! What a manifest says about building: the table `[build]`, and the file of its component.
//!
//! ```toml
//! [build]
//! command = "npm run build"      # instead of cargo or make
//! module = "dist/greeter.wasm"   # what the command leaves behind: a core module or a component
//! target = "wasm32-wasip2"       # of cargo
//! world = "greeter"              # of bindings for C, if the package has several
//! ```

use crate::Error;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The file name of the manifest of a service.
pub const MANIFEST: &str = "weir.toml";

/// What is said, where anything is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) command: Option<String>,
    pub(crate) module: Option<PathBuf>,
    pub(crate) target: Option<String>,
    pub(crate) world: Option<String>,
    /// Where the component belongs: the file of the facade.
    pub(crate) component: Option<PathBuf>,
    /// Whether it says more than how the sources are built.
    pub(crate) describes_service: bool,
}

impl Settings {
    /// Reads the manifest in the folder, if there is one.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let file = folder.join(MANIFEST);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(Error::File { file, error }),
        };
        Self::parse(&text).map_err(|detail| Error::Manifest { file, detail })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let manifest: Table = text
            .parse()
            .map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
        let mut settings = Self {
            component: component(&manifest),
            describes_service: manifest.keys().any(|key| key != "build"),
            ..Self::default()
        };
        let Some(build) = manifest.get("build") else {
            return Ok(settings);
        };
        let build = build.as_table().ok_or("`build` is no table")?;
        for (key, value) in build {
            let text = value
                .as_str()
                .ok_or_else(|| format!("`build.{key}` is no text"))?
                .to_owned();
            match key.as_str() {
                "command" => settings.command = Some(text),
                "module" => settings.module = Some(text.into()),
                "target" => settings.target = Some(text),
                "world" => settings.world = Some(text),
                _ => {
                    return Err(format!(
                        "there is no `build.{key}`; there are command, module, target and world"
                    ));
                }
            }
        }
        if settings.command.is_some() && settings.module.is_none() {
            return Err("`build.command` needs `build.module`, the file that it makes".to_owned());
        }
        Ok(settings)
    }
}

/// The file of the facade, or of the only part.
fn component(manifest: &Table) -> Option<PathBuf> {
    let parts = manifest.get("part")?.as_array()?;
    let is_facade = |part: &&Value| part.get("facade").and_then(Value::as_bool) == Some(true);
    let only = || parts.first().filter(|_| parts.len() == 1);
    let part = parts.iter().find(is_facade).or_else(only)?;
    let file = Path::new(part.get("component")?.as_str()?);
    // Anything else is a CID, and nothing to write to.
    let is_file = file
        .extension()
        .is_some_and(|extension| extension == "wasm");
    is_file.then(|| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn a_manifest_says_how_and_whereto() {
        let settings = Settings::parse(
            "[build]\ncommand = 'x'\nmodule = 'y.wasm'\n\
             [[part]]\nname = 'a'\ncomponent = 'a.wasm'\n\
             [[part]]\nname = 'b'\ncomponent = 'b.wasm'\nfacade = true",
        )
        .expect("a manifest");
        assert_eq!(settings.command.as_deref(), Some("x"));
        assert_eq!(settings.component.as_deref(), Some("b.wasm".as_ref()));
        assert!(settings.describes_service);
        let how = Settings::parse("[build]\nworld = 'x'").expect("a manifest");
        assert!(!how.describes_service);
        let only =
            Settings::parse("[[part]]\nname = 'a'\ncomponent = 'a.wasm'").expect("a manifest");
        assert_eq!(only.component.as_deref(), Some("a.wasm".as_ref()));
        let cid = Settings::parse("[[part]]\nname = 'a'\ncomponent = 'bafk'").expect("a manifest");
        assert_eq!(cid.component, None);
        assert_eq!(Settings::parse(""), Ok(Settings::default()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, told) in [
            ("[build]\nspeed = 'x'", "there is no `build.speed`"),
            ("[build]\ncommand = 'x'", "needs `build.module`"),
            ("[build]\ntarget = 7", "`build.target` is no text"),
            ("build = 7", "`build` is no table"),
            ("[build", "line 1"),
        ] {
            let error = Settings::parse(text).expect_err(text);
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
