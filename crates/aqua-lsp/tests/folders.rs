//! Files on the disk: they are found, followed and renamed without being open.

use std::path::{Path, PathBuf};

use tower_lsp_server::ls_types::Uri;
use weir_aqua_lsp::{Workspace, references};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(vec![self.0.path().to_path_buf()], Vec::new())
    }

    fn open(&self, workspace: &mut Workspace, name: &str) -> PathBuf {
        let path = self.path(name);
        let text = std::fs::read_to_string(&path).unwrap();
        workspace.open(Uri::from_file_path(&path).unwrap(), 1, &text)
    }
}

fn mistakes(workspace: &mut Workspace, path: &Path) -> Vec<String> {
    let (analysis, _) = workspace.tell(path).unwrap();
    let all = analysis.compilation.diagnostics.iter();
    all.map(|one| one.message.clone()).collect()
}

const LIBRARY: &str = "aqua Library declares *\nfunc one() -> u32:\n  <- 1\n";
const MAIN: &str = "aqua Main declares *
import one from \"library.aqua\"
func two() -> u32:
  <- one() + one()
";

#[test]
fn a_name_is_changed_in_files_that_are_not_open() {
    let folder = Folder::new(&[
        ("library.aqua", LIBRARY),
        ("main.aqua", MAIN),
        ("node_modules/x/main.aqua", MAIN),
    ]);
    let mut workspace = folder.workspace();
    let library = folder.open(&mut workspace, "library.aqua");
    let offset = LIBRARY.find("one").unwrap() as u32;
    let (analysis, edits) = workspace.rename(&library, offset, "first").unwrap();
    let mut changed: Vec<_> = edits
        .iter()
        .map(|(place, _)| {
            let path = &analysis.compilation.set.get(place.file).path;
            path.file_name().unwrap().to_str().unwrap()
        })
        .collect();
    changed.sort_unstable();
    let expected = ["library.aqua", "main.aqua", "main.aqua", "main.aqua"];
    assert_eq!(changed, expected);
    let (analysis, file) = workspace.whole(&library).unwrap();
    assert_eq!(
        references::references(&analysis, file, offset).len(),
        expected.len()
    );
}

#[test]
fn a_file_that_comes_changes_and_goes_is_noticed() {
    let folder = Folder::new(&[("main.aqua", MAIN)]);
    let mut workspace = folder.workspace();
    let main = folder.open(&mut workspace, "main.aqua");
    assert_eq!(
        mistakes(&mut workspace, &main)[0],
        "`library.aqua` is not found"
    );
    assert_eq!(workspace.untold(), None);

    let library = folder.path("library.aqua");
    folder.write("library.aqua", LIBRARY);
    workspace.changed_on_disk(&library);
    assert_eq!(workspace.untold(), Some(main.clone()));
    assert_eq!(mistakes(&mut workspace, &main), Vec::<String>::new());

    folder.write("library.aqua", LIBRARY.replace("u32", "string"));
    workspace.changed_on_disk(&library);
    assert!(!mistakes(&mut workspace, &main).is_empty());

    folder.write("library.aqua", [0xff, 0xfe]);
    workspace.changed_on_disk(&library);
    let told = mistakes(&mut workspace, &main);
    assert!(told[0].ends_with("it is not UTF-8 text"), "{told:?}");

    std::fs::remove_file(&library).unwrap();
    workspace.changed_on_disk(&library);
    assert_eq!(
        mistakes(&mut workspace, &main)[0],
        "`library.aqua` is not found"
    );
}

#[test]
fn an_open_text_stands_above_the_file_until_it_is_closed() {
    let folder = Folder::new(&[("library.aqua", LIBRARY), ("main.aqua", MAIN)]);
    let mut workspace = folder.workspace();
    let main = folder.open(&mut workspace, "main.aqua");
    let library = folder.open(&mut workspace, "library.aqua");
    assert_eq!(mistakes(&mut workspace, &main), Vec::<String>::new());
    mistakes(&mut workspace, &library);
    workspace.change(&library, 2, [(None, "aqua Library declares *\n")]);
    // what imports it is told anew, too
    mistakes(&mut workspace, &library);
    assert_eq!(workspace.untold(), Some(main.clone()));
    assert!(!mistakes(&mut workspace, &main).is_empty());
    workspace.close(&library);
    assert_eq!(mistakes(&mut workspace, &main), Vec::<String>::new());
    assert!(workspace.analysis(&library).is_none());
}

#[test]
fn only_changed_files_are_parsed_again() {
    let folder = Folder::new(&[("library.aqua", LIBRARY), ("main.aqua", MAIN)]);
    let mut workspace = folder.workspace();
    let main = folder.open(&mut workspace, "main.aqua");
    let (before, file) = workspace.analysis(&main).unwrap();
    workspace.change(&main, 2, [(None, MAIN.replace("two", "three").as_str())]);
    let (after, _) = workspace.analysis(&main).unwrap();
    for (before, after) in before
        .compilation
        .set
        .files
        .iter()
        .zip(&after.compilation.set.files)
    {
        let same = std::sync::Arc::ptr_eq(&before.parsed, &after.parsed);
        assert_eq!(same, before.path != main, "{}", before.path.display());
    }
    assert_eq!(after.compilation.set.get(file).path, main);
}
