//! Files and folders for their owner alone. What the program keeps names clusters, accounts and pods: it is made for its
//! owner, narrowed where it is wider, and refused where it is somebody else's or no plain file.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// A folder that only its owner may enter.
const FOLDER: u32 = 0o700;
/// A file that only its owner may read.
const FILE: u32 = 0o600;

/// Why a file or folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} is a symbolic link: name the file it leads to", .0.display())]
    Link(PathBuf),
    #[error("{} is a {what}, not a plain file: name another", .path.display())]
    Special { path: PathBuf, what: &'static str },
    #[error("{} is not a folder: move it away", .0.display())]
    NoFolder(PathBuf),
    #[error("{} belongs to user {owner}, and this is user {user}: name another, or have it given to you", .path.display())]
    Foreign { path: PathBuf, owner: u32, user: u32 },
    #[error("cannot {verb} {}: {source}", .path.display())]
    Io { verb: &'static str, path: PathBuf, source: io::Error },
}

impl FileError {
    /// It is not there.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Names what could not be done to which file.
pub(crate) fn cannot<'a>(verb: &'static str, path: &'a Path) -> impl Fn(io::Error) -> FileError + 'a {
    move |source| FileError::Io { verb, path: path.to_owned(), source }
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    /// Made where it is not there.
    Append,
    /// Made, and not there before.
    New,
}

/// Makes a folder of the program's own and all above it, or takes a wider one back from others.
pub(crate) fn own_folder(path: &Path) -> Result<(), FileError> {
    make_folder(path)?;
    let folder = File::open(path).map_err(cannot("open", path))?;
    let is = folder.metadata().map_err(cannot("look at", path))?;
    if !is.is_dir() {
        return Err(FileError::NoFolder(path.to_owned()));
    }
    own(path, &folder, &is, FOLDER)
}

/// Makes a folder and all above it, where they are not there; who may enter those that are is their owner's business.
pub(crate) fn make_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(FOLDER);
    DirBuilder::create(&builder, path).map_err(cannot("make", path))
}

/// Opens a plain file of this user, for them alone.
pub(crate) fn open(path: &Path, access: Access) -> Result<File, FileError> {
    // Looked at first: opening a device may do something.
    match path.symlink_metadata() {
        Ok(is) => plain(path, &is)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound && access != Access::Read => {}
        Err(error) => return Err(cannot("open", path)(error)),
    }
    let mut options = OpenOptions::new();
    options.read(true).append(access != Access::Read).mode(FILE);
    OpenOptions::create(&mut options, access == Access::Append);
    options.create_new(access == Access::New);
    // A pipe that came in between must not be waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed());
    let file = options.open(path).map_err(|error| match error.raw_os_error() {
        // The last part of the path became a link between the two looks.
        Some(code) if code == Errno::LOOP.raw_os_error() => FileError::Link(path.to_owned()),
        _ => cannot("open", path)(error),
    })?;
    let is = file.metadata().map_err(cannot("look at", path))?;
    plain(path, &is)?;
    own(path, &file, &is, FILE)?;
    Ok(file)
}

/// Writes a whole file anew, for its owner alone.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), FileError> {
    let mut file = open(path, Access::Append)?;
    file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(cannot("write", path))
}

/// The path still leads to this open file, and not to one that took its place.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(of), Ok(at)) => of.dev() == at.dev() && of.ino() == at.ino(),
        _ => false,
    }
}

fn plain(path: &Path, is: &Metadata) -> Result<(), FileError> {
    let kind = is.file_type();
    if kind.is_symlink() {
        return Err(FileError::Link(path.to_owned()));
    }
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "folder",
        () if kind.is_fifo() => "named pipe",
        () if kind.is_socket() => "socket",
        () => "device",
    };
    Err(FileError::Special { path: path.to_owned(), what })
}

/// Refuses what belongs to others and narrows what others may use.
fn own(path: &Path, file: &File, is: &Metadata, mode: u32) -> Result<(), FileError> {
    let user = rustix::process::geteuid().as_raw();
    if is.uid() != user {
        return Err(FileError::Foreign { path: path.to_owned(), owner: is.uid(), user });
    }
    if is.mode() & 0o7777 & !mode == 0 {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(is.mode() & mode)).map_err(cannot("narrow", path))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn folders_and_files_are_for_their_owner_alone_whoever_made_them() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/tgscope");
        own_folder(&folder).unwrap();
        assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        own_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        let path = folder.join("file");
        replace(&path, "a long text").unwrap();
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
        replace(&path, "text").unwrap();
        assert_eq!((mode(&path), std::fs::read_to_string(&path).unwrap().as_str()), (0o600, "text"));
        std::fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
        open(&path, Access::Read).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn what_is_no_plain_file_of_ours_is_refused_at_once() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nothing"), at("dangling")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let (done, ended) = std::sync::mpsc::channel();
        let places = ["link", "dangling", "folder", "pipe", "socket"].map(at);
        std::thread::spawn(move || {
            let all = places.into_iter().chain(["/dev/full".into(), "/dev/zero".into()]);
            let said: Vec<String> = all
                .flat_map(|path: PathBuf| [Access::Read, Access::Append].map(|it| open(&path, it)))
                .map(|it| it.unwrap_err().to_string())
                .collect();
            done.send(said).unwrap();
        });
        let said = ended.recv_timeout(Duration::from_secs(10)).expect("opening a pipe waits for nobody");
        for (said, what) in
            said.chunks(2).zip(["link", "link", "folder", "named pipe", "socket", "device", "device"])
        {
            assert!(said.iter().all(|it| it.contains(what)), "{what}: {said:?}");
        }
        assert!(!at("nothing").exists());
        assert!(matches!(own_folder(&at("file")), Err(FileError::Io { .. } | FileError::NoFolder(_))));
        drop(socket);
    }
}
