// Holds GraphQL documents, a JSON array of strings on standard input, against GitHub's published schema.
import { readFileSync } from "node:fs";
import { validate } from "@octokit/graphql-schema";

const errors = JSON.parse(readFileSync(0, "utf8")).flatMap((query) => validate(query));
for (const error of errors) console.error(error.message);
process.exit(errors.length === 0 ? 0 : 1);
