//! Posting comments to GitHub, GitLab and Gitea. One of the places that do I/O.
