// Loaded into every Node process of the check: refuses connections that leave
// this machine, and notes where they wanted to go.
"use strict";
const fs = require("node:fs");
const net = require("node:net");

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : net._normalizeArgs(args)[0];
  const host = options.host ?? "localhost";
  if (options.path || host === "localhost" || host === "::1" || host.startsWith("127.")) {
    return connect.apply(this, args);
  }
  if (process.env.ELSEWHERE) {
    fs.appendFileSync(process.env.ELSEWHERE, `${host}\n`);
  }
  const refusal = Object.assign(new Error(`${host} is not this machine`), { code: "ECONNREFUSED" });
  process.nextTick(() => this.destroy(refusal));
  return this;
};
