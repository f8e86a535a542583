//! Dump.
use crate::restructure::Case;
use stratigraph::restructure::rules::ALL;
use stratigraph::restructure::search::proposals;
#[test]
fn dump() {
    let only = std::env::var("ONLY").unwrap_or_default();
    for rule in ["deps-first","dead-split","workspaces","intruder","cache-mounts","bind-manifests","multi-stage","version-shield"] {
        let Ok(dir) = std::fs::read_dir(format!("fixtures/restructure/{rule}")) else { continue };
        let mut all: Vec<_> = dir.map(|d| d.unwrap().path()).collect(); all.sort();
        for path in all {
            if !path.to_string_lossy().contains(&only) { continue }
            let case = Case::new(&std::fs::read_to_string(path.join("before.Dockerfile")).unwrap(), &std::fs::read_to_string(path.join("history.scn")).unwrap());
            let rules: Vec<_> = ALL.iter().filter(|r| r.id == rule || std::env::var("ALLR").is_ok()).copied().collect();
            eprintln!("################ {}", path.display());
            case.view(|view| {
                let (found, dropped) = proposals(view, &rules);
                if std::env::var("WRITE").is_ok() { if let Some(p) = found.first() { std::fs::write(path.join("after.Dockerfile"), &p.draft.dockerfile).unwrap(); std::fs::write(path.join("safety.txt"), match p.candidate.safety.doubt() { None => "safe\n".to_owned(), Some(d) => format!("review {d}\n") }).unwrap(); } }
                for p in found { eprintln!("---- {} [{}] {:?}\n{}\n{}", p.candidate.rule, p.candidate.title, p.candidate.safety, p.candidate.rationale, p.draft.dockerfile); }
                for d in dropped { eprintln!("DROPPED {} [{}] {}", d.rule, d.title, d.why); }
            });
        }
    }
}
use std::process::Command;
use stratigraph::tree::{FileKind, FileStamp, ObjectId, RepoPath};
fn git(repo: &str, args: &[&str]) -> Vec<u8> { Command::new("git").arg("-C").arg(repo).args(args).output().unwrap().stdout }
#[test]
fn real() {
    let Ok(list) = std::env::var("LIST") else { return };
    for line in std::fs::read_to_string(list).unwrap().lines() {
        let v: Vec<&str> = line.split('\t').collect();
        let [name, file, ctx, rev] = v[..] else { continue };
        let repo = format!("/work/.mirror/{}/repo", name.replace('/', "+"));
        eprintln!("################ {name} {file} {rev}");
        let text = String::from_utf8_lossy(&git(&repo, &["show", &format!("{rev}:{file}")])).into_owned();
        let parsed = match stratigraph::dockerfile::parse(&text) { Ok(p) => p.dockerfile, Err(e) => { eprintln!("NOPARSE {e}"); continue } };
        let ctxp = RepoPath::new(ctx);
        let ignore_text = { let a = git(&repo, &["show", &format!("{rev}:{file}.dockerignore")]); if a.is_empty() { git(&repo, &["show", &format!("{rev}:{}", ctxp.join(b".dockerignore"))]) } else { a } };
        let ignore_text = String::from_utf8_lossy(&ignore_text).into_owned();
        let mut files = vec![]; let mut ignored = vec![];
        for entry in git(&repo, &["ls-tree", "-r", "-z", rev]).split(|b| *b == 0) {
            let Some(tab) = entry.iter().position(|b| *b == b'\t') else { continue };
            let head = String::from_utf8_lossy(&entry[..tab]).into_owned();
            let mut parts = head.split(' ');
            let kind = match parts.next().unwrap() { "100755" => FileKind::Executable, "120000" => FileKind::Symlink, "160000" => FileKind::Submodule, _ => FileKind::Regular };
            let hex = parts.nth(1).unwrap();
            let bytes: Vec<u8> = (0..20).map(|i| u8::from_str_radix(&hex[2*i..2*i+2], 16).unwrap()).collect();
            let path = RepoPath::new(&entry[tab+1..]);
            let Some(path) = path.strip_prefix(&ctxp) else { continue };
            let stamp = FileStamp { kind, id: ObjectId::from_bytes(&bytes).unwrap() };
            if !ignore_text.is_empty() && stratigraph::restructure::legality::ignores(&ignore_text, &path) { ignored.push((path, stamp)); } else { files.push((path, stamp)); }
        }
        files.sort(); ignored.sort();
        let cache = std::cell::RefCell::new(std::collections::BTreeMap::<RepoPath, Option<Vec<u8>>>::new());
        let read1 = |p: &RepoPath| { if !files.iter().any(|(q,_)| q==p) { return None } let out = git(&repo, &["show", &format!("{rev}:{}", ctxp.join(p.as_bytes()))]); Some(out) };
        let read = |p: &RepoPath| cache.borrow_mut().entry(p.clone()).or_insert_with(|| read1(p)).clone();
        let path = RepoPath::new(file); let igp = RepoPath::new(".dockerignore");
        let target = parsed.stages.len() - 1;
        let targets: Vec<usize> = if std::env::var("ALLT").is_ok() { (0..parsed.stages.len()).collect() } else { vec![target] };
        let mut seen = std::collections::BTreeSet::new();
        for target in targets {
        let view = stratigraph::restructure::View { dockerfile: &parsed, path: &path, context: &ctxp, ignore: (!ignore_text.is_empty()).then_some((&igp, ignore_text.as_str())), files: &files, ignored: &ignored, read: &read, changes: &[], builder: stratigraph::builder::Builder::BuildKit, git_dir: true, persistent: true, target, build_args: &[] };
        let mine = ["deps-first","dead-split","workspaces","intruder","cache-mounts","bind-manifests","multi-stage","version-shield","bind-manifests","cache-mounts"];
        let rules: Vec<_> = ALL.iter().filter(|r| mine.contains(&r.id) || std::env::var("ALLR").is_ok()).copied().collect();
        let t0 = std::time::Instant::now(); let (found, dropped) = proposals(&view, &rules); eprintln!("TIME target {target} files {} {:?} reads {}", files.len(), t0.elapsed(), cache.borrow().len());
        for p in found {
            if !seen.insert(p.draft.dockerfile.clone()) { continue }
            eprintln!("---- {} [{}] {:?}", p.candidate.rule, p.candidate.title, p.candidate.safety);
            if std::env::var("NODIFF").is_err() {
            std::fs::write("/tmp/a.df", &text).unwrap(); std::fs::write("/tmp/b.df", &p.draft.dockerfile).unwrap();
            let d = Command::new("diff").args(["-U1", "/tmp/a.df", "/tmp/b.df"]).output().unwrap().stdout;
            eprintln!("{}", String::from_utf8_lossy(&d)); }
        }
        for d in dropped { eprintln!("DROPPED {} [{}] {}", d.rule, d.title, d.why); }
        }
    }
}
