//! Programs whose pages are looked at.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_aqua::emit::{Page, PageFormat, documentation};
use weir_aqua::files::Files;
use weir_aqua::{Request, compile};

pub(crate) struct Texts<'a>(pub(crate) &'a [(&'a str, &'a str)]);

impl Files for Texts<'_> {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        let found = self.0.iter().find(|(name, _)| Path::new(name) == path);
        Ok(found.map(|(_, text)| Arc::from(*text)))
    }
}

/// The pages of all files.
pub(crate) fn written(files: &[(&str, &str)], format: PageFormat) -> Vec<Page> {
    let request = Request {
        entries: files.iter().map(|(name, _)| PathBuf::from(name)).collect(),
        ..Request::default()
    };
    let compilation = compile(&request, &Texts(files)).expect("the files are there");
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    documentation(&compilation, format)
}
