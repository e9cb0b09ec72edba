/*
 * Answers for the verifier in JavaScript, one line for a line: asked {binder, trust, sidecar, now, limits}, it prints
 * the report. So one process answers a whole session of tests. {fold} asks under which form a path collides.
 */
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const { verifyBinder, parseTrust, bytesSource, foldPath, VerifyError } = require("../../client/verify-js/verify.js");

process.removeAllListeners("warning"); // Node calls Ed25519 experimental

async function answer({ binder, trust, sidecar, now, limits, fold }) {
  if (fold !== undefined) return JSON.stringify(fold.map(foldPath));
  let policy;
  try {
    policy = parseTrust(Buffer.from(trust, "base64"));
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return JSON.stringify({ trustRefused: error.detail });
  }
  const report = await verifyBinder(bytesSource(new Uint8Array(fs.readFileSync(binder))), {
    trust: policy,
    sidecar: sidecar ? fs.readFileSync(sidecar) : null,
    now: new Date(now),
    limits,
  });
  return report.toJson();
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    const answered = await answer(asked).catch((error) => JSON.stringify({ crashed: error.stack }));
    process.stdout.write(`${answered}\n`);
  }
}

main();
