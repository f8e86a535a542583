//! What a name in FROM, COPY or ADD stands for: an image, a git repository, a URL.

use crate::dockerfile::reference::Reference;

/// An image reference fully spelled: registry, repository, and `latest` where neither tag nor digest is given
/// (distribution/reference `ParseNormalizedNamed`, `TagNameOnly`).
///
/// # Errors
/// What is wrong with the reference.
pub(super) fn full_image(text: &str) -> Result<String, String> {
    let reference = Reference::parse(text).map_err(|why| why.to_string())?;
    let mut full = reference.name();
    match (&reference.tag, &reference.digest) {
        (Some(tag), _) => full = format!("{full}:{tag}"),
        (None, None) => full.push_str(":latest"),
        (None, Some(_)) => {}
    }
    if let Some(digest) = &reference.digest {
        full = format!("{full}@{digest}");
    }
    Ok(full)
}

/// Whether ADD clones this source (moby/buildkit frontend/dockerfile/dfgitutil/git_ref.go `ParseGitRef`): a git or
/// ssh address, or an http address that ends in `.git` before its fragment and query.
pub(super) fn is_git(path: &str) -> bool {
    let address = path.split(['#', '?']).next().unwrap_or(path);
    let scp = address.split_once('@').is_some_and(|(user, rest)| {
        !user.is_empty()
            && user
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            && rest.contains(':')
            && !rest.contains("://")
    });
    let http = address.starts_with("http://") || address.starts_with("https://");
    address.starts_with("git://")
        || address.starts_with("ssh://")
        || scp
        || (http && address.ends_with(".git"))
}
