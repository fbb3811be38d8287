// Cloudflare's command line client `cf` against the simulator.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { run, UNKNOWN } from "./command.mjs";

const json = (...args) => JSON.parse(run("cf", args));
const fails = (...args) => run("cf", args, 1);
const certificates = "mtls-certificates";
const pem = readFileSync(process.env.CA_FILE, "utf8");
const zone = process.env.ZONE_ID;

// The account holds 51 certificates: it shows the first page of them.
assert.equal(json(certificates, "list").length, 50);
assert.equal(json(certificates, "list", "--type", "custom,gateway_managed").length, 50);

// It takes PEM text, no file, and only behind an equals sign.
const upload = [certificates, "create", "--ca", "--name", "example_ca_cert"];
assert.match(fails(...upload, "--certificates", pem), /Unknown argument/);
const stored = json(...upload, `--certificates=${pem}`);
assert.equal(stored.issuer, "O=Example Inc.,L=California,ST=San Francisco,C=US");
assert.equal(stored.serial_number, "235217144297995885180570755458463043449861756659");
assert.equal(stored.signature, "SHA256WithRSA");
assert.equal(stored.expires_on, "2122-10-29T16:59:47Z");
const { id } = stored;

// A dry run sends nothing, and prints the private key.
const dry = json(...upload, `--certificates=${pem}`, "--private-key", "a-secret", "--dry-run");
assert.equal(dry.body.privateKey, "a-secret");

assert.equal(json(certificates, "get", id).name, "example_ca_cert");
assert.deepEqual(json(certificates, "associations", "get", id), []);

// The flag --hostnames is sent as a text where the service wants a list.
const update = ["certificate-authorities", "hostname-associations", "update", "--zone"];
fails(...update, zone, "--hostnames", "api.example.com", "--mtls-certificate-id", id);
const body = (hostnames) => ["--body", JSON.stringify({ hostnames, mtls_certificate_id: id })];
json(...update, zone, ...body(["api.example.com"]));
assert.equal(json(certificates, "associations", "get", id)[0].status, "active");

assert.match(fails(certificates, "delete", id), /\[99001\]/);
json(...update, "example.com", ...body([]));
assert.equal(json(certificates, "delete", id, "--dry-run").method, "DELETE");
assert.equal(json(certificates, "delete", id).id, id);
assert.match(fails(certificates, "delete", id), /\[99002\]/);
assert.match(fails(certificates, "get", UNKNOWN), /\[1472\]/);

// An empty id reaches the collection: a list, and a refusal.
assert.equal(json(certificates, "get", "").length, 50);
assert.match(fails(certificates, "delete", ""), /\[7001\]/);

// With no account configured, it looks for one.
delete process.env.CLOUDFLARE_ACCOUNT_ID;
assert.match(run("cf", [certificates, "list", "--fields", "id"]), /Using account/);
