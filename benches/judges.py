"""Real refactorings as judges: what `suggest` would have said on the commit before each, against what its maintainers did.

    python3 benches/judges.py LIST REPOSITORIES [--bin target/release/stratigraph] [--builds 200]

LIST has a commit a line, parted by tabs: OWNER/NAME, the Dockerfile, its context, the commit, its subject. REPOSITORIES
holds a bare repository OWNER+NAME/repo for each. Both changes are replayed over the same builds before the commit, with
`compare`; ours is the recommended set, as `suggest` says it alone and as its patch of the Dockerfile gives it.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

# A change counts from here on: a part of a build, and milliseconds.
LEAST_SHARE, LEAST_MS = 0.02, 300
# As good as theirs, and a part of it.
SAME, PART = 0.8, 0.2


def run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=900)


def told(*command):
    """The JSON that a command prints; None where it prints none."""
    try:
        return json.loads(run(*command).stdout)
    except (ValueError, subprocess.TimeoutExpired):
        return None


def judged(job):
    """One row: the commit, milliseconds a build (now, at best, saved by them and by us), and the verdict."""
    args, (repo, file, context, commit) = job
    git = os.path.join(args.repositories, repo.replace("/", "+"), "repo")
    show = lambda rev: run("git", f"--git-dir={git}", "show", f"{rev}:{file}").stdout
    name = f"{repo} {commit[:8]}"
    with tempfile.TemporaryDirectory() as place:
        at = lambda name: os.path.join(place, name)
        before = ["--first-parent", "--reverse", f"-{args.builds}", f"{commit}^"]
        builds = run("git", f"--git-dir={git}", "rev-list", *before).stdout
        os.makedirs(os.path.dirname(at(f"tree/{file}")))
        for path, content in [
            ("commits", builds),
            ("old", show(f"{commit}^")),
            ("theirs", show(commit)),
            (f"tree/{file}", show(f"{commit}^")),
        ]:
            with open(at(path), "wb") as out:
                out.write(content)
        same = ["--repo", git, "--file", file, "--context", context, "--commits", at("commits"), "--format", "json"]
        found = told(args.bin, "suggest", *same)
        theirs = told(args.bin, "compare", at("old"), at("theirs"), *same)
        if not found or "mean_build" not in found or not theirs or not theirs.get("mean_change_ms"):
            return name, None, "not built"
        with open(at("patch"), "w") as out:
            out.write(found["patch"] or "")
        run("git", "apply", f"--include={file}", at("patch"), cwd=at("tree"))
        ours = told(args.bin, "compare", at("old"), at(f"tree/{file}"), *same)
    now = found["mean_build"]["now"]["median_ms"]
    best = found["mean_build"]["best"]["median_ms"]
    saved = lambda side: -((side or {}).get("mean_change_ms") or {"median": 0})["median"]
    alone = ((found.get("saving") or {}).get("per_build") or {"median_ms": 0})["median_ms"]
    by_them, by_us = saved(theirs), max(alone, saved(ours))
    return name, (now, best, by_them, by_us), verdict(theirs, now, by_them, by_us)


def verdict(theirs, now, by_them, by_us):
    least = max(LEAST_MS, LEAST_SHARE * now)
    # Steps of which git cannot tell whether they were cached decide it.
    if_cached = -theirs["mean_change_if_cached_ms"]["median"]
    if abs(by_them) >= least and (abs(if_cached) < least or if_cached * by_them < 0):
        return "undecided"
    if by_them <= -least:
        return "theirs is slower"
    if by_them < least:
        return "theirs saves nothing"
    share = by_us / by_them
    return "better" if share >= 1 else "same" if share >= SAME else "part" if share > PART else "missed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list")
    parser.add_argument("repositories")
    parser.add_argument("--bin", default="target/release/stratigraph")
    parser.add_argument("--builds", type=int, default=200)
    args = parser.parse_args()
    with open(args.list) as lines:
        rows = [line.rstrip("\n").split("\t")[:4] for line in lines if line.strip()]
    verdicts = Counter()
    print(f"{'now':>8} {'best':>8} {'theirs':>8} {'ours':>8}  seconds a build, and seconds saved")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, figures, word in pool.map(judged, [(args, row) for row in rows]):
            verdicts[word] += 1
            shown = [f"{ms / 1000:8.1f}" for ms in figures] if figures else [f"{'-':>8}"] * 4
            print(*shown, f" {word:<20} {name}", flush=True)
    good = verdicts["better"] + verdicts["same"]
    counted = good + verdicts["part"] + verdicts["missed"]
    print(f"\n{good} of {counted} that save time are met or beaten; {dict(sorted(verdicts.items()))}")


if __name__ == "__main__":
    main()
