//! What `--help` shows below the options.

pub(super) const ANALYZE: &str = "Examples:
  stratigraph analyze
  stratigraph analyze ../service -f docker/Dockerfile --since 2025-01-01
  stratigraph analyze --last 2000 --format html -o cache.html
  stratigraph analyze --pin Dockerfile.new --runner ephemeral --cache-export min";
pub(super) const COMPARE: &str = "Examples:
  stratigraph compare HEAD~1:Dockerfile Dockerfile
  stratigraph compare Dockerfile - < Dockerfile.new
  stratigraph compare --base origin/main --head HEAD --fail-if-slower 5%
  stratigraph compare old.Dockerfile new.Dockerfile --max-rebuild 4m --format markdown";
pub(super) const SUGGEST: &str = "Examples:
  stratigraph suggest
  stratigraph suggest --all --format markdown -o suggestions.md
  stratigraph suggest --format patch | git apply
  stratigraph suggest --apply                 the recommended changes
  stratigraph suggest --apply deps-first-1    one of them";
pub(super) const EXPLAIN: &str = "Examples:
  stratigraph explain HEAD
  stratigraph explain v1.2.0 'npm ci'
  stratigraph explain 4f2a91c 12          the step of line 12
  stratigraph explain HEAD build:3/7      the step that the builder shows as [build 3/7]";
pub(super) const COMMENT: &str = "Examples:
  stratigraph comment --base origin/main --head HEAD
  stratigraph comment --base origin/main --head HEAD --post github
  stratigraph comment --base origin/main --head HEAD --save cache-comment.json
  stratigraph comment --post github --from cache-comment.json";
pub(super) const CALIBRATE: &str = "Examples:
  stratigraph calibrate build.log -o stratigraph-profile.toml
  docker buildx history export -o build.dockerbuild && stratigraph calibrate build.dockerbuild
  docker build --progress rawjson . 2> build.json; stratigraph calibrate build.json";
pub(super) const VERIFY: &str = "Examples:
  stratigraph verify --commit HEAD build.log
  stratigraph verify logs/*.log --min-agreement 95%";
pub(super) const GRAPH: &str = "Examples:
  stratigraph graph
  stratigraph graph docker/Dockerfile --target build --format mermaid
  stratigraph graph HEAD~3:Dockerfile --format dot | dot -Tsvg > graph.svg
  stratigraph graph --instructions - < Dockerfile";
pub(super) const REPLAY: &str = "Examples:
  stratigraph replay --last 50
  stratigraph replay --range v1.0..v2.0 | jq -c '[.commit, (.steps[] | select(.outcome == \"miss\") | .line)]'
  git log --format=%H --reverse origin/main | stratigraph replay --commits -
  echo '{\"commit\": \"HEAD\", \"build_args\": {\"V\": \"2\"}}' | stratigraph replay --builds -";
pub(super) const DEMO: &str = "Examples:
  stratigraph demo
  stratigraph demo --keep /tmp/stratigraph-demo";
pub(super) const COMPLETIONS: &str = "Examples:
  stratigraph completions bash > /etc/bash_completion.d/stratigraph
  stratigraph completions zsh > \"${fpath[1]}/_stratigraph\"
  stratigraph completions fish > ~/.config/fish/completions/stratigraph.fish";
pub(super) const MAN: &str = "Examples:
  stratigraph man > stratigraph.1 && man ./stratigraph.1";
