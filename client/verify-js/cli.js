#!/usr/bin/env node
/*
 * Verify a binder offline, in Node: node cli.js BINDER.zip --trust trust.json [--sidecar FILE] [--json]
 *
 * Exit codes: 0 verified, 1 failed, 2 malformed or not to be read, 3 trust policy not met, 4 unverifiable (newer
 * format), 64 wrong usage. Get trust.json from somewhere else than the binder.
 * What needs `--kept` or `--previous`, or a time-stamp checked, is for `tracebinder verify`.
 */
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { parseArgs } = require("node:util");
const { LIMITS, verifyBinder, parseTrust, showHidden, VerifyError } = require("./verify.js");

const USAGE = "usage: node cli.js BINDER.zip --trust trust.json [--sidecar FILE] [--json]";
const VERDICTS = ["verified", "FAILED", "MALFORMED", "TRUST POLICY NOT MET", "UNVERIFIABLE: newer format"];
const UNREADABLE = 2;
const WRONG_USAGE = 64;

function readArguments() {
  const options = { trust: { type: "string" }, sidecar: { type: "string" }, json: { type: "boolean" } };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    return positionals.length === 1 && values.trust ? { ...values, binder: positionals[0] } : null;
  } catch (error) {
    console.error(showHidden(error.message));
    return null;
  }
}

/** A source over a file on the disk, read piece by piece. */
function fileSource(name) {
  const file = fs.openSync(name, "r");
  return {
    size: fs.fstatSync(file).size,
    read: async (at, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, fs.readSync(file, bytes, 0, length, at));
    },
  };
}

/** Return the bytes of a file that is held whole; of one that is too large, no more than show that. */
async function readWhole(name) {
  const isLarge = fs.statSync(name).size > LIMITS.document;
  return isLarge ? fileSource(name).read(0, LIMITS.document + 1) : fs.readFileSync(name);
}

async function sidecarOf({ binder, sidecar }) {
  const beside = sidecar ?? `${binder}.intoto.jsonl`;
  return sidecar || fs.existsSync(beside) ? readWhole(beside) : null;
}

/** Print one line, whatever stands in it: what a binder says may neither drive the terminal nor begin a line. */
const print = (text) => console.log(showHidden(text));

function printReport(binder, report) {
  print(`${path.basename(binder)}: ${VERDICTS[report.exitCode]}`);
  print(`sha256 ${report.zipSha256}`);
  if (report.binderId) print(`${report.binderId} of ${report.statement.get("system")}, as of ${report.statement.get("asOf")}`);
  for (const { name, state, detail } of report.lines) print(`${name.padEnd(15)}${state.padEnd(13)}${detail}`);
  for (const { line, member, detail } of report.problems) print(`problem (${line}): ${member || "the binder"}: ${detail}`);
  const claims = report.statement.get("nonClaims");
  for (const claim of Array.isArray(claims) ? claims : []) print(`not claimed: ${claim}`);
}

async function main() {
  process.removeAllListeners("warning"); // Node calls Ed25519 experimental
  const asked = readArguments();
  if (!asked) {
    console.error(USAGE);
    return WRONG_USAGE;
  }
  try {
    const trust = parseTrust(await readWhole(asked.trust));
    const report = await verifyBinder(fileSource(asked.binder), { trust, sidecar: await sidecarOf(asked) });
    if (asked.json) console.log(report.toJson());
    else printReport(asked.binder, report);
    return report.exitCode;
  } catch (error) {
    if (!(error instanceof VerifyError) && !error.syscall) throw error;
    console.error(showHidden(error.message));
    return UNREADABLE;
  }
}

main().then((code) => (process.exitCode = code));
