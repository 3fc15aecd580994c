//! Generated files: written, or held against those on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::RegistryError;

/// Generated files by their paths, and the folders that hold nothing else.
#[derive(Debug, Clone, Default)]
pub struct Files {
    folders: BTreeSet<PathBuf>,
    content: BTreeMap<PathBuf, String>,
}

// === impl Files ===

impl Files {
    /// Has a folder hold these files and no others.
    pub fn folder(&mut self, folder: impl Into<PathBuf>, files: BTreeMap<String, String>) {
        let folder = folder.into();
        for (name, content) in files {
            self.content.insert(folder.join(name), content);
        }
        self.folders.insert(folder);
    }

    /// Has a file hold this.
    pub fn file(&mut self, path: impl Into<PathBuf>, content: String) {
        self.content.insert(path.into(), content);
    }

    /// Adds the files and folders of another generator.
    pub fn extend(&mut self, other: Self) {
        self.folders.extend(other.folders);
        self.content.extend(other.content);
    }

    /// The files with their content, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.content
            .iter()
            .map(|(path, content)| (path.as_path(), content.as_str()))
    }

    /// Writes every file below `root` that is not current, and removes from the folders what is none of them. Returns what
    /// changed.
    ///
    /// # Errors
    /// When a folder cannot be read, or a file not be written or removed.
    pub fn write(&self, root: &Path) -> Result<Vec<PathBuf>, RegistryError> {
        for folder in &self.folders {
            let path = root.join(folder);
            std::fs::create_dir_all(&path).map_err(at(&path))?;
        }
        let stale = self.stale(root)?;
        for path in &stale {
            let there = root.join(path);
            match self.content.get(path) {
                Some(content) => create(&there, content),
                None => std::fs::remove_file(&there),
            }
            .map_err(at(&there))?;
        }
        Ok(stale)
    }

    /// The files below `root` that are missing, differ, or should not be there.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn stale(&self, root: &Path) -> Result<Vec<PathBuf>, RegistryError> {
        let mut stale: BTreeSet<PathBuf> = self
            .content
            .iter()
            .filter(|(path, content)| {
                std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(content)
            })
            .map(|(path, _)| path.clone())
            .collect();
        for folder in &self.folders {
            let there = root.join(folder);
            if !there.is_dir() {
                continue;
            }
            for entry in std::fs::read_dir(&there).map_err(at(&there))? {
                let path = folder.join(entry.map_err(at(&there))?.file_name());
                if root.join(&path).is_file() && !self.content.contains_key(&path) {
                    stale.insert(path);
                }
            }
        }
        Ok(stale.into_iter().collect())
    }
}

/// Writes a file, and creates the folders above it.
fn create(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content)
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> RegistryError {
    let path = path.to_owned();
    move |source| RegistryError::Unreadable {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_two_generators_are_written_and_checked_together() {
        let root = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        files.file("page.md", "page".to_owned());
        let mut others = Files::default();
        let one = BTreeMap::from([("one.rs".to_owned(), "1".to_owned())]);
        others.folder("generated", one);
        files.extend(others);
        let all = [
            (Path::new("generated/one.rs"), "1"),
            (Path::new("page.md"), "page"),
        ];
        assert!(files.iter().eq(all));
        files.write(root.path()).unwrap();
        std::fs::write(root.path().join("generated/two.rs"), "2").unwrap();
        let stray = [Path::new("generated/two.rs")];
        assert_eq!(files.stale(root.path()).unwrap(), stray);
    }

    #[test]
    fn what_is_stale_is_named_and_written_and_strangers_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        let one = BTreeMap::from([("one.rs".to_owned(), "1".to_owned())]);
        files.folder("generated", one);
        files.file("docs/page.md", "page".to_owned());
        let all = [Path::new("docs/page.md"), Path::new("generated/one.rs")];
        assert_eq!(files.stale(root.path()).unwrap(), all);
        assert_eq!(files.write(root.path()).unwrap(), all);
        assert!(files.stale(root.path()).unwrap().is_empty());
        std::fs::write(root.path().join("generated/two.rs"), "2").unwrap();
        std::fs::write(root.path().join("docs/page.md"), "edited").unwrap();
        let found = [Path::new("docs/page.md"), Path::new("generated/two.rs")];
        assert_eq!(files.stale(root.path()).unwrap(), found);
        files.write(root.path()).unwrap();
        assert!(files.stale(root.path()).unwrap().is_empty());
    }
}
