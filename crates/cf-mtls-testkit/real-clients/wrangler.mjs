// Wrangler against the simulator.

import assert from "node:assert/strict";
import { run, UNKNOWN } from "./command.mjs";

const cert = (...args) => run("wrangler", ["cert", ...args]);
const fails = (...args) => run("wrangler", ["cert", ...args], 1);
const count = (text, part) => text.split(part).length - 1;

// The account holds 51 certificates: it shows the first page of them.
assert.equal(count(cert("list"), "ID: "), 50);

const upload = ["upload", "certificate-authority", "--ca-cert", process.env.CA_FILE];
const uploaded = cert(...upload, "--name", "example_ca_cert");
assert.match(uploaded, /Issuer: O=Example Inc\.,L=California,ST=San Francisco,C=US/);
const id = uploaded.match(/^ID: (.*)$/m)[1];

// It has no command for hostnames.
async function hostnames(names) {
  const url = `${process.env.CLOUDFLARE_BASE_URL}/zones/${process.env.ZONE_ID}/certificate_authorities/hostname_associations`;
  const headers = {
    "Authorization": `Bearer ${process.env.CLOUDFLARE_API_TOKEN}`,
    "Content-Type": "application/json",
    "User-Agent": "fill",
  };
  const body = JSON.stringify({ hostnames: names, mtls_certificate_id: id });
  assert.ok((await fetch(url, { method: "PUT", headers, body })).ok);
}

// Without a terminal it takes yes for the reply to its own question.
await hostnames(["api.example.com"]);
assert.match(fails("delete", "--id", id), /while in use\. \[code: 99001\]/);
await hostnames([]);
assert.match(cert("delete", "--name", "example_ca_cert"), /Deleted certificate .* successfully/);

assert.match(fails("delete", "--name", "example_ca_cert"), /certificate not found with name/);
assert.match(fails("delete", "--id", UNKNOWN), /\[code: 1472\]/);

// The first of these is stored, but its response is lost: wrangler calls it failed.
assert.match(fails(...upload, "--name", "twice"), /fetch failed/);
assert.match(fails(...upload, "--name", "twice"), /already exists \[code: 1471\]/);
cert("delete", "--name", "twice");

const { LEAF_FILE, LEAF_KEY_FILE } = process.env;
cert("upload", "mtls-certificate", "--cert", LEAF_FILE, "--key", LEAF_KEY_FILE, "--name", "leaf");
// Deleted, but the response is lost, and again it is called failed.
assert.match(fails("delete", "--name", "leaf"), /fetch failed/);

// It says what is missing, and exits like a success.
assert.match(cert("delete"), /Must provide --id or --name/);

// With no account configured, it looks for one.
delete process.env.CLOUDFLARE_ACCOUNT_ID;
assert.equal(count(cert("list"), "ID: "), 50);
