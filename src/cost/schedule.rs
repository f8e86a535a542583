//! How long a graph of jobs takes when so many may run at once.

/// One job: how long it takes, and the jobs (by position, all before it) that must end first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Job<'a> {
    /// Duration in milliseconds.
    pub ms: u64,
    /// What it waits for.
    pub after: &'a [usize],
}

/// The time from the first start to the last end, with at most `parallelism` jobs at once.
///
/// Greedy schedules have an anomaly (Graham 1966): one more worker can make them longer. A builder that may use `n`
/// workers may as well use fewer, so the answer is the shortest greedy schedule of up to `parallelism` workers: more
/// parallelism never makes it longer. It is never shorter than the critical path nor longer than one job after the other.
pub fn makespan(jobs: &[Job<'_>], parallelism: usize) -> u64 {
    let critical = critical_path(jobs);
    let working = jobs.iter().filter(|j| j.ms > 0).count();
    if parallelism >= working || parallelism == 0 {
        return critical;
    }
    let mut best = u64::MAX;
    for workers in 1..=parallelism {
        best = best.min(greedy(jobs, workers));
        if best <= critical {
            break;
        }
    }
    best
}

/// The longest chain.
fn critical_path(jobs: &[Job<'_>]) -> u64 {
    let mut ends = vec![0u64; jobs.len()];
    for (n, job) in jobs.iter().enumerate() {
        ends[n] = ready(job, &ends).saturating_add(job.ms);
    }
    ends.into_iter().max().unwrap_or(0)
}

/// Each job, in order, starts on the first worker free once its inputs are there.
fn greedy(jobs: &[Job<'_>], workers: usize) -> u64 {
    let mut free = vec![0u64; workers.min(jobs.len()).max(1)];
    let mut ends = vec![0u64; jobs.len()];
    for (n, job) in jobs.iter().enumerate() {
        let ready = ready(job, &ends);
        ends[n] = ready;
        if job.ms == 0 {
            continue;
        }
        // Of the workers free in time the one free last, so that others stay free for earlier starts; else the first.
        let in_time = (0..free.len())
            .filter(|&w| free[w] <= ready)
            .max_by_key(|&w| free[w]);
        let worker = in_time
            .or_else(|| (0..free.len()).min_by_key(|&w| free[w]))
            .expect("there is at least one worker");
        ends[n] = ready.max(free[worker]).saturating_add(job.ms);
        free[worker] = ends[n];
    }
    ends.into_iter().max().unwrap_or(0)
}

fn ready(job: &Job<'_>, ends: &[u64]) -> u64 {
    job.after
        .iter()
        .filter_map(|&n| ends.get(n))
        .copied()
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn job(ms: u64, after: &[usize]) -> Job<'_> {
        Job { ms, after }
    }

    #[test]
    fn stages_run_side_by_side() {
        let jobs = [job(10, &[]), job(20, &[]), job(5, &[0, 1])];
        assert_eq!(makespan(&jobs, 2), 25);
        assert_eq!(makespan(&jobs, 1), 35);
        assert_eq!(makespan(&jobs, 0), 25);
        assert_eq!(makespan(&[], 4), 0);
    }

    proptest! {
        #[test]
        fn more_workers_never_take_longer(
            jobs in proptest::collection::vec((0u64..50, proptest::collection::vec(any::<proptest::sample::Index>(), 0..3)), 0..14),
        ) {
            let jobs: Vec<(u64, Vec<usize>)> = jobs
                .into_iter()
                .enumerate()
                .map(|(n, (ms, after))| (ms, if n == 0 { vec![] } else { after.iter().map(|i| i.index(n)).collect() }))
                .collect();
            let slowed = |factor: u64| jobs.iter().map(|(ms, after)| job(ms * factor, after)).collect::<Vec<_>>();
            let (jobs, tripled) = (slowed(1), slowed(3));
            let sum: u64 = jobs.iter().map(|j| j.ms).sum();
            let spans: Vec<u64> = (1..=jobs.len() + 1).map(|p| makespan(&jobs, p)).collect();
            prop_assert!(spans.windows(2).all(|w| w[1] <= w[0]));
            prop_assert_eq!(spans[0], sum);
            prop_assert_eq!(*spans.last().unwrap(), makespan(&jobs, 0));
            prop_assert_eq!(makespan(&tripled, 2), makespan(&jobs, 2) * 3);
        }
    }
}
