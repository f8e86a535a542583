//! Progress on standard error: only after a second, only on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Work this short shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears when the work takes long.
pub(super) struct Progress {
    what: String,
    total: u64,
    done: u64,
    start: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins work on `total` things; 0 where nobody knows how many there will be.
    pub(super) fn new(what: impl Into<String>, total: usize) -> Self {
        Self {
            what: what.into(),
            total: total as u64,
            done: 0,
            start: Instant::now(),
            bar: None,
        }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        if self.bar.is_none() && self.start.elapsed() > PATIENCE {
            self.bar = Some(self.show());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }

    fn show(&self) -> ProgressBar {
        // Hidden by indicatif itself where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(Some(self.total), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(match self.total {
            0 => "{msg}: {pos} done, {elapsed}",
            _ => "{msg} {bar:30} {pos}/{len}, {eta} left",
        });
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(self.what.clone());
        bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
