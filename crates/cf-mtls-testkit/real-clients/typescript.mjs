// The official TypeScript library against the simulator.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import Cloudflare from "cloudflare";

const client = new Cloudflare(); // CLOUDFLARE_API_TOKEN and CLOUDFLARE_BASE_URL
const certificates = client.mtlsCertificates;
const account = { account_id: process.env.CLOUDFLARE_ACCOUNT_ID };
const zone = process.env.ZONE_ID;
const pem = readFileSync(process.env.CA_FILE, "utf8");

async function all(page) {
  const rows = [];
  for await (const row of page) rows.push(row);
  return rows;
}

const hostnames = (id, names) =>
  client.certificateAuthorities.hostnameAssociations.update({
    zone_id: zone,
    hostnames: names,
    mtls_certificate_id: id,
  });

const services = async (id) =>
  (await all(certificates.associations.get(id, account))).map((row) => [row.service, row.status]);

// The account holds 51 certificates: iterating over the list stops after a page.
assert.equal((await all(certificates.list(account))).length, 50);
const types = { ...account, type: ["custom", "gateway_managed"] };
assert.equal((await all(certificates.list(types))).length, 50);

const upload = { ...account, ca: true, certificates: pem, name: "example_ca_cert" };
const stored = await certificates.create(upload);
assert.equal(stored.issuer, "O=Example Inc.,L=California,ST=San Francisco,C=US");
assert.equal(stored.serial_number, "235217144297995885180570755458463043449861756659");
assert.equal(stored.signature, "SHA256WithRSA");
assert.equal(stored.expires_on, "2122-10-29T16:59:47Z");

assert.equal((await certificates.get(stored.id, account)).name, "example_ca_cert");
assert.deepEqual(await services(stored.id), []);

await hostnames(stored.id, ["api.example.com"]);
assert.deepEqual(await services(stored.id), [["API Shield", "active"]]);

await assert.rejects(certificates.delete(stored.id, account), (error) => {
  assert.ok(error instanceof Cloudflare.BadRequestError);
  assert.deepEqual(error.errors.map((entry) => entry.code), [99001]);
  return true;
});
await hostnames(stored.id, []);

assert.equal((await certificates.delete(stored.id, account)).id, stored.id);
await assert.rejects(certificates.delete(stored.id, account), Cloudflare.BadRequestError);
const unknown = "00000000-0000-4000-8000-000000000000";
await assert.rejects(certificates.get(unknown, account), Cloudflare.NotFoundError);

// Responses get lost. The retried upload and the retried delete both meet their
// own success, and are called failed.
await assert.rejects(certificates.create({ ...upload, name: "lost" }), (error) => {
  assert.deepEqual(error.errors.map((entry) => entry.code), [1471]);
  return true;
});
const [lost] = await all(certificates.list(account, { query: { name: "lost" } }));
await assert.rejects(certificates.delete(lost.id, account), Cloudflare.BadRequestError);

// What uses the leaf certificate that the simulator starts with.
const holders = [];
for (const script of await all(client.workers.scripts.list(account))) {
  const settings = await client.workers.scripts.scriptAndVersionSettings.get(script.id, account);
  for (const binding of settings.bindings) {
    if (binding.type === "mtls_certificate") holders.push([script.id, binding.certificate_id]);
  }
}
assert.deepEqual(holders.map(([name]) => name), ["billing", "checkout"]);
const [config] = await all(client.hyperdrive.configs.list(account));
assert.equal(config.mtls.mtls_certificate_id, holders[0][1]);

// An empty id reaches the collection: a list in place of a certificate, and a
// refusal that is about the method.
assert.equal((await certificates.get("", account)).length, 50);
await assert.rejects(certificates.delete("", account), (error) => error.status === 405);
