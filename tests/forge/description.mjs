// Writes the part of GitHub's published description that we speak to the first file: Prism starts in seconds with it;
// and its example of a pull request to the second.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const file = createRequire(import.meta.url).resolve("@octokit/openapi/generated/api.github.com.json");
const description = JSON.parse(readFileSync(file, "utf8"));
const spoken = [
  "/repos/{owner}/{repo}/issues/{issue_number}/comments",
  "/repos/{owner}/{repo}/issues/comments/{comment_id}",
  "/repos/{owner}/{repo}/pulls/{pull_number}",
];
description.paths = Object.fromEntries(
  spoken.map((path) => {
    if (!description.paths[path]) throw new Error(`GitHub's description has no ${path}`);
    return [path, description.paths[path]];
  }),
);
writeFileSync(process.argv[2], JSON.stringify(description));

const example = description.paths[spoken[2]].get.responses[200].content["application/json"].examples.default;
const pull = description.components.examples[example.$ref.split("/").pop()].value;
// The example's teams lack what the schema asks of them.
writeFileSync(process.argv[3], JSON.stringify({ ...pull, requested_teams: [] }));
