//! Directories, and the paths through them.

use weir_receipt::state::KeyRange;

use super::layout::{
    self, Entry, Kind, Meta, NEXT_KEY, Number, ROOT, directory_key, name_key, take_u64,
};
use super::{Files, Refusal, Result, halfway};

/// Longest name, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 200;

/// Longest path, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 4096;

/// How deep a directory can be moved.
const DEPTH_MAX: usize = 256;

/// How to open a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Make a file if there is nothing.
    pub(crate) create: bool,
    /// Fail if there is something.
    pub(crate) exclusive: bool,
    /// Fail if it is no directory.
    pub(crate) directory: bool,
    /// To change it.
    pub(crate) write: bool,
}

/// Where a path leads.
struct Place<'p> {
    directory: Number,
    /// The last name of the path; none if it leads to the directory itself.
    name: Option<&'p str>,
    /// Whether it ends with a slash.
    slash: bool,
}

/// How many directories a path may lead through: what following it costs.
pub(crate) fn components(path: &str) -> u64 {
    let path = &path.as_bytes()[..path.len().min(PATH_BYTES_MAX)];
    path.split(|byte| *byte == b'/').count() as u64
}

impl Files<'_> {
    /// Follows a path up to its last name.
    fn follow<'p>(&self, from: Number, path: &'p str) -> Result<Place<'p>> {
        if path.len() > PATH_BYTES_MAX {
            return Err(Refusal::NameTooLong.into());
        }
        if path.contains('\0') {
            return Err(Refusal::IllegalName.into());
        }
        if path.is_empty() {
            return Err(Refusal::NoEntry.into());
        }
        if path.starts_with('/') {
            return Err(Refusal::NotPermitted.into());
        }
        let mut above = Vec::new();
        let mut directory = from;
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        let mut last = None;
        while let Some(name) = names.next() {
            match name {
                "." => {}
                ".." => directory = above.pop().ok_or(Refusal::NotPermitted)?,
                _ if name.len() > NAME_BYTES_MAX => return Err(Refusal::NameTooLong.into()),
                _ if names.peek().is_none() => last = Some(name),
                _ => {
                    let entry = self.entry(directory, name)?.ok_or(Refusal::NoEntry)?;
                    if entry.kind != Kind::Directory {
                        return Err(Refusal::NotDirectory.into());
                    }
                    above.push(directory);
                    directory = entry.number;
                }
            }
        }
        Ok(Place {
            directory,
            name: last,
            slash: path.ends_with('/'),
        })
    }

    fn entry(&self, directory: Number, name: &str) -> Result<Option<Entry>> {
        let value = self.entries.get(&name_key(directory, name))?;
        Ok(value.map(|value| Entry::decode(&value)).transpose()?)
    }

    fn at(&self, place: &Place<'_>) -> Result<Option<Entry>> {
        let Some(name) = place.name else {
            self.meta(place.directory)?;
            return Ok(Some(Entry {
                kind: Kind::Directory,
                number: place.directory,
            }));
        };
        let entry = self.entry(place.directory, name)?;
        if place.slash && entry.is_some_and(|entry| entry.kind != Kind::Directory) {
            return Err(Refusal::NotDirectory.into());
        }
        Ok(entry)
    }

    /// What a path leads to.
    pub(crate) fn find(&self, from: Number, path: &str) -> Result<Entry> {
        let place = self.follow(from, path)?;
        Ok(self.at(&place)?.ok_or(Refusal::NoEntry)?)
    }

    /// Finds or makes a file, or finds a directory.
    pub(crate) fn open(&mut self, from: Number, path: &str, how: Opening) -> Result<Entry> {
        let place = self.follow(from, path)?;
        if let Some(entry) = self.at(&place)? {
            if how.create && how.exclusive {
                return Err(Refusal::Exists.into());
            }
            if how.directory && entry.kind != Kind::Directory {
                return Err(Refusal::NotDirectory.into());
            }
            if how.write {
                self.writable()?;
            }
            return Ok(entry);
        }
        if !how.create {
            return Err(Refusal::NoEntry.into());
        }
        if how.directory {
            return Err(Refusal::Invalid.into());
        }
        if place.slash {
            return Err(Refusal::IsDirectory.into());
        }
        self.make(&place, Kind::File)
    }

    /// Makes a directory.
    pub(crate) fn create_directory(&mut self, from: Number, path: &str) -> Result<()> {
        let place = self.follow(from, path)?;
        if place.name.is_none()
            || self
                .entry(place.directory, place.name.unwrap_or_default())?
                .is_some()
        {
            return Err(Refusal::Exists.into());
        }
        self.make(&place, Kind::Directory)?;
        Ok(())
    }

    fn make(&mut self, place: &Place<'_>, kind: Kind) -> Result<Entry> {
        self.writable()?;
        let name = place.name.ok_or(Refusal::Exists)?;
        // Fails if the directory was removed while it was open.
        self.touch(place.directory)?;
        let next = self.entries.get(NEXT_KEY)?;
        let number = match &next {
            Some(next) => take_u64(next)?.0,
            None => ROOT + 1,
        };
        let after = number.checked_add(1).ok_or(Refusal::NoSpace)?;
        self.entries
            .set(NEXT_KEY, after.to_be_bytes().to_vec().into())?;
        let meta = Meta {
            kind,
            number: match kind {
                Kind::File => 0,
                Kind::Directory => place.directory,
            },
            modified: self.volume.now,
        };
        self.keep(number, &meta)?;
        let entry = Entry { kind, number };
        let key = name_key(place.directory, name);
        if let Err(error) = self.entries.set(&key, entry.encode().to_vec().into()) {
            let key = layout::meta_key(number);
            self.entries.delete(&key).map_err(halfway)?;
            return Err(error.into());
        }
        Ok(entry)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&mut self, from: Number, path: &str) -> Result<()> {
        self.writable()?;
        let place = self.follow(from, path)?;
        let entry = self.at(&place)?.ok_or(Refusal::NoEntry)?;
        if entry.kind != Kind::Directory {
            return Err(Refusal::NotDirectory.into());
        }
        let name = place.name.ok_or(Refusal::Invalid)?;
        self.empty(entry.number)?;
        self.touch(place.directory)?;
        self.entries.delete(&name_key(place.directory, name))?;
        self.forget(entry.number)
    }

    fn empty(&self, directory: Number) -> Result<()> {
        let range = KeyRange::prefix(directory_key(directory));
        if self.entries.keys(&range, 1)?.is_empty() {
            Ok(())
        } else {
            Err(Refusal::NotEmpty.into())
        }
    }

    /// Takes a file its name. Gives its number if its content is to be dropped now, because it is not open.
    pub(crate) fn unlink(&mut self, from: Number, path: &str) -> Result<Option<Number>> {
        self.writable()?;
        let place = self.follow(from, path)?;
        let entry = self.at(&place)?.ok_or(Refusal::NoEntry)?;
        let (Kind::File, Some(name)) = (entry.kind, place.name) else {
            return Err(Refusal::IsDirectory.into());
        };
        self.touch(place.directory)?;
        self.entries.delete(&name_key(place.directory, name))?;
        Ok(self.unname(entry.number))
    }

    fn unname(&mut self, number: Number) -> Option<Number> {
        self.volume.nameless.insert(number);
        (!self.volume.open.contains_key(&number)).then_some(number)
    }

    /// Moves a file or directory to another name, in the place of what is there. Gives the number of a file that was
    /// there if its content is to be dropped now.
    pub(crate) fn rename(
        &mut self,
        (from, path): (Number, &str),
        (to, new_path): (Number, &str),
    ) -> Result<Option<Number>> {
        self.writable()?;
        let old = self.follow(from, path)?;
        let new = self.follow(to, new_path)?;
        let moved = self.at(&old)?.ok_or(Refusal::NoEntry)?;
        let (Some(old_name), Some(new_name)) = (old.name, new.name) else {
            return Err(Refusal::Invalid.into());
        };
        if moved.kind == Kind::File && new.slash {
            return Err(Refusal::NotDirectory.into());
        }
        let replaced = self.entry(new.directory, new_name)?;
        if replaced == Some(moved) {
            return Ok(None);
        }
        if moved.kind == Kind::Directory {
            self.outside(new.directory, moved.number)?;
        }
        match (moved.kind, replaced.map(|entry| entry.kind)) {
            (_, None) | (Kind::File, Some(Kind::File)) => {}
            (Kind::File, Some(Kind::Directory)) => return Err(Refusal::IsDirectory.into()),
            (Kind::Directory, Some(Kind::File)) => return Err(Refusal::NotDirectory.into()),
            (Kind::Directory, Some(Kind::Directory)) => {
                self.empty(replaced.map_or(ROOT, |entry| entry.number))?;
            }
        }
        self.touch(old.directory)?;
        self.touch(new.directory)?;
        // The first change is the one that can need room; the others only follow.
        let new_key = name_key(new.directory, new_name);
        self.entries.set(&new_key, moved.encode().to_vec().into())?;
        let old_key = name_key(old.directory, old_name);
        self.entries.delete(&old_key).map_err(halfway)?;
        if moved.kind == Kind::Directory {
            let meta = Meta {
                number: new.directory,
                ..self.meta(moved.number)?
            };
            let value = meta.encode().to_vec();
            let key = layout::meta_key(moved.number);
            self.entries.set(&key, value.into()).map_err(halfway)?;
        }
        match replaced {
            Some(entry) if entry.kind == Kind::Directory => {
                self.forget(entry.number)?;
                Ok(None)
            }
            Some(entry) => Ok(self.unname(entry.number)),
            None => Ok(None),
        }
    }

    /// Whether a directory is not in another one: none can be moved into itself.
    fn outside(&self, directory: Number, other: Number) -> Result<()> {
        let mut at = directory;
        for _ in 0..DEPTH_MAX {
            if at == other {
                return Err(Refusal::Invalid.into());
            }
            if at == ROOT {
                return Ok(());
            }
            at = self.meta(at)?.number;
        }
        Err(Refusal::TooDeep.into())
    }

    /// How many steps up from a directory there can be: what moving a directory costs.
    pub(crate) const fn steps_up_max() -> u64 {
        DEPTH_MAX as u64
    }

    /// The entry behind a name, in the order of the bytes of names; the first one without a name.
    pub(crate) fn next_entry(
        &self,
        directory: Number,
        after: Option<&str>,
    ) -> Result<Option<(String, Entry)>> {
        let prefix = directory_key(directory);
        let mut range = KeyRange::prefix(prefix);
        if let Some(name) = after {
            range.start = [&prefix, name.as_bytes(), &[0]].concat();
        }
        let Some((key, value)) = self.entries.first(&range)? else {
            return Ok(None);
        };
        let name = key.get(prefix.len()..).unwrap_or_default();
        let name = std::str::from_utf8(name).map_err(|_| Refusal::Damaged)?;
        Ok(Some((name.to_owned(), Entry::decode(&value)?)))
    }
}
