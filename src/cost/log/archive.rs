//! Compressed logs, and archives: gzip and tar, with a bound on everything.
//!
//! The only file that knows the `flate2` and `tar` packages.

use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io;
use std::io::Read;

/// How much is taken of what an archive holds: a small file can hold a thousand times its size.
struct Limits {
    /// Unpacked bytes.
    unpacked: u64,
    /// Larger files are passed over. Image layers are; records, logs and manifests are not.
    file: u64,
    /// All files that are kept together.
    kept: u64,
    /// Files.
    n_files: usize,
}

const LIMITS: Limits = Limits {
    unpacked: 512 << 20,
    file: 64 << 20,
    kept: 256 << 20,
    n_files: 100_000,
};

/// What came out of packed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// A text that was compressed.
    Text(Vec<u8>),
    /// An archive's regular files by path.
    Files(BTreeMap<String, Vec<u8>>),
}

/// Unpacks gzip, tar, or both; `None` if it is neither. What could not be read is told in whole sentences.
pub(super) fn unpack(bytes: &[u8], problems: &mut Vec<String>) -> Option<Unpacked> {
    unpack_within(&LIMITS, bytes, problems)
}

fn unpack_within(limits: &Limits, bytes: &[u8], problems: &mut Vec<String>) -> Option<Unpacked> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return is_tar(bytes).then(|| Unpacked::Files(files(limits, bytes, problems)));
    }
    let mut reader = MultiGzDecoder::new(bytes);
    let mut head = Vec::new();
    // A cut head is no tar; the text below says that it is cut.
    let _ = (&mut reader).take(512).read_to_end(&mut head);
    let all = MultiGzDecoder::new(bytes).take(limits.unpacked);
    if is_tar(&head) {
        return Some(Unpacked::Files(files(limits, all, problems)));
    }
    let mut text = Vec::new();
    let mut all = all.take(limits.kept);
    if all.read_to_end(&mut text).is_err() {
        problems
            .push("The compressed log is cut or damaged; what came before was read.".to_owned());
    } else if all.limit() == 0 {
        problems.push(format!(
            "Only the first {} MB of the compressed log were read.",
            limits.kept >> 20
        ));
    }
    Some(Unpacked::Text(text))
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// The files of an archive, as far as it can be read.
fn files(
    limits: &Limits,
    reader: impl Read,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let (mut kept, mut n_left_out) = (0u64, 0usize);
    let mut add = |entry: io::Result<tar::Entry<'_, _>>| -> io::Result<()> {
        let mut entry = entry?;
        // The size in the header is what the archive claims; what is read is what counts.
        if !entry.header().entry_type().is_file() {
            return Ok(());
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut bytes = Vec::new();
        let room = limits.file.min(limits.kept.saturating_sub(kept));
        if entry.size() > room {
            n_left_out += usize::from(entry.size() <= limits.file);
            return Ok(());
        }
        let read = (&mut entry).take(room).read_to_end(&mut bytes);
        kept += bytes.len() as u64;
        files.insert(path, bytes);
        read.map(|_| ())
    };
    let mut archive = tar::Archive::new(reader);
    // Raw: long names and other extensions are entries like others. Nothing that is looked for needs them, and
    // nothing is read into memory because a header says so.
    let result = archive.entries().and_then(|entries| {
        entries
            .raw(true)
            .take(limits.n_files)
            .try_for_each(&mut add)
    });
    if result.is_err() {
        problems.push(format!(
            "The archive is cut or damaged; of it {} files were read.",
            files.len()
        ));
    }
    if n_left_out > 0 {
        problems.push(format!(
            "{n_left_out} files of the archive were left out: it holds more than {} MB.",
            limits.kept >> 20
        ));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, path, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn gzip_and_tar_are_unpacked() {
        let mut problems = Vec::new();
        let mut unpacked = |bytes: &[u8]| unpack(bytes, &mut problems);
        assert_eq!(unpacked(b"#1 DONE 0.1s"), None);
        assert_eq!(
            unpacked(&gzip(b"#1 DONE")),
            Some(Unpacked::Text(b"#1 DONE".to_vec()))
        );
        let archive = tar_of(&[("a/b", b"x"), ("c", b"")]);
        let expected = BTreeMap::from([
            ("a/b".to_owned(), b"x".to_vec()),
            ("c".to_owned(), Vec::new()),
        ]);
        assert_eq!(unpacked(&archive), Some(Unpacked::Files(expected.clone())));
        assert_eq!(unpacked(&gzip(&archive)), Some(Unpacked::Files(expected)));
        assert!(problems.is_empty());
    }

    #[test]
    fn what_came_before_a_cut_is_kept() {
        let archive = tar_of(&[("a", b"x"), ("b", &[7; 3000])]);
        let mut problems = Vec::new();
        let Some(Unpacked::Files(files)) = unpack(&archive[..2000], &mut problems) else {
            panic!("a tar");
        };
        assert_eq!(files["a"], b"x");
        assert!(problems[0].contains("cut or damaged"), "{problems:?}");
    }

    #[test]
    fn bombs_do_not_fill_the_memory() {
        let limits = Limits {
            unpacked: 9 << 20,
            file: 2 << 20,
            kept: 3 << 20,
            n_files: 10,
        };
        let mut problems = Vec::new();
        let mut unpacked = |bytes: &[u8]| unpack_within(&limits, bytes, &mut problems);
        let Some(Unpacked::Text(text)) = unpacked(&gzip(&vec![0; 5 << 20])) else {
            panic!("a text");
        };
        assert_eq!(text.len() as u64, limits.kept);
        let big = vec![0; 2 << 20];
        let archive = tar_of(&[
            ("a", &big),
            ("b", &vec![0; 3 << 20]),
            ("c", &big),
            ("d", b"x"),
        ]);
        let Some(Unpacked::Files(files)) = unpacked(&gzip(&archive)) else {
            panic!("a tar");
        };
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a", "d"]);
        let many: [(&str, &[u8]); 12] = [("a", b"x"); 12];
        let Some(Unpacked::Files(files)) = unpacked(&tar_of(&many)) else {
            panic!("a tar");
        };
        assert_eq!(files.len(), 1);
        assert!(
            problems[0].starts_with("Only the first 3 MB"),
            "{problems:?}"
        );
        assert!(
            problems[1].starts_with("1 files of the archive"),
            "{problems:?}"
        );
        // A header that claims more than there is.
        let mut header = tar::Header::new_ustar();
        header.set_path("a").unwrap();
        header.set_size(u64::MAX >> 8);
        header.set_cksum();
        let mut problems = Vec::new();
        unpack(header.as_bytes(), &mut problems);
    }
}
