"""The official Python library against the simulator."""

import os
import sys
from ipaddress import ip_address
from pathlib import Path


def loopback_only(event, arguments):
    """Ends the process before it connects to another machine."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        if not ip_address(arguments[1][0]).is_loopback:
            print(f"{arguments[1][0]} is not this machine", file=sys.stderr)
            os._exit(3)


sys.addaudithook(loopback_only)

from cloudflare import APIStatusError, BadRequestError, Cloudflare, NotFoundError  # noqa: E402

client = Cloudflare()  # CLOUDFLARE_API_TOKEN and CLOUDFLARE_BASE_URL
certificates = client.mtls_certificates
account = os.environ["CLOUDFLARE_ACCOUNT_ID"]
zone = os.environ["ZONE_ID"]
pem = Path(os.environ["CA_FILE"]).read_text()


def refused(call):
    """The error of a call that has to fail."""
    try:
        result = call()
    except (APIStatusError, ValueError) as error:
        return error
    raise AssertionError(f"not refused: {result!r}")


def hostnames(id, names):
    client.certificate_authorities.hostname_associations.update(
        zone_id=zone, hostnames=names, mtls_certificate_id=id
    )


def services(id):
    rows = certificates.associations.get(id, account_id=account)
    return [(row.service, row.status) for row in rows]


# The account holds 51 certificates: iterating over the list stops after a page.
assert len(list(certificates.list(account_id=account))) == 50
types = ["custom", "gateway_managed"]
assert len(list(certificates.list(account_id=account, type=types))) == 50

stored = certificates.create(account_id=account, ca=True, certificates=pem, name="example_ca_cert")
assert stored.issuer == "O=Example Inc.,L=California,ST=San Francisco,C=US", stored.issuer
assert stored.serial_number == "235217144297995885180570755458463043449861756659", stored.serial_number
assert stored.signature == "SHA256WithRSA", stored.signature
assert stored.expires_on.isoformat() == "2122-10-29T16:59:47+00:00", stored.expires_on

assert certificates.get(stored.id, account_id=account).name == "example_ca_cert"
assert services(stored.id) == []

hostnames(stored.id, ["api.example.com"])
assert services(stored.id) == [("API Shield", "active")]

in_use = refused(lambda: certificates.delete(stored.id, account_id=account))
assert (in_use.status_code, [error.code for error in in_use.errors]) == (400, [99001]), in_use
hostnames(stored.id, [])

assert certificates.delete(stored.id, account_id=account).id == stored.id
assert isinstance(refused(lambda: certificates.delete(stored.id, account_id=account)), BadRequestError)
unknown = "00000000-0000-4000-8000-000000000000"
assert isinstance(refused(lambda: certificates.get(unknown, account_id=account)), NotFoundError)

# Responses get lost. The retried upload and the retried delete both meet their
# own success, and are called failed.
upload = lambda: certificates.create(account_id=account, ca=True, certificates=pem, name="lost")
lost = refused(upload)
assert (lost.status_code, [error.code for error in lost.errors]) == (400, [1471]), lost
[lost] = certificates.list(account_id=account, extra_query={"name": "lost"})
assert isinstance(refused(lambda: certificates.delete(lost.id, account_id=account)), BadRequestError)

# What uses the leaf certificate that the simulator starts with.
holders = []
for script in client.workers.scripts.list(account_id=account):
    settings = client.workers.scripts.script_and_version_settings.get(script.id, account_id=account)
    holders += [(script.id, b.name, b.certificate_id) for b in settings.bindings if b.type == "mtls_certificate"]
[leaf] = {id for _, _, id in holders}
assert [name for name, _, _ in holders] == ["billing", "checkout"], holders
[config] = client.hyperdrive.configs.list(account_id=account)
assert config.mtls.mtls_certificate_id == leaf, config

# An empty id is refused before anything is sent.
assert isinstance(refused(lambda: certificates.delete("", account_id=account)), ValueError)
