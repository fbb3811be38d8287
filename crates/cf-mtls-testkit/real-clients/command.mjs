// Runs a command line client to its end.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

/** What it printed, on both streams; `code` is the exit code it has to have. */
export function run(command, args, code = 0) {
  const done = spawnSync(command, args, { encoding: "utf8", input: "", timeout: 60_000 });
  const printed = `${done.stdout}${done.stderr}`;
  assert.equal(done.error, undefined);
  assert.equal(done.status, code, `${command} ${args.join(" ")}\n${printed}`);
  return printed;
}

export const UNKNOWN = "00000000-0000-4000-8000-000000000000";
